import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testCertificates } from './cluster.ts'

interface Options {
  /** SPDY instead of WebSockets. */
  readonly spdy?: boolean
}

/** A kubectl that goes on by itself. */
export interface Begun {
  readonly child: ChildProcess
  /** What it has said by now, on either stream. */
  said(): string
}

/** The real kubectl as the administrator of a test cluster, by flags alone: no kubeconfig. */
export interface CertifiedKubectl extends AsyncDisposable {
  run(
    words: readonly string[],
    options?: Options & { readonly stdin?: string },
  ): Promise<{ code: number; out: string; err: string }>
  begin(words: readonly string[], options?: Options): Begun
  /** Ends one, and waits until it has. */
  end(begun: Begun): Promise<void>
}

export async function certifiedKubectl(port: () => number): Promise<CertifiedKubectl> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-kubectl-'))
  const { ca, clients } = await testCertificates()
  for (const [name, text] of Object.entries({ ca, cert: clients.admin?.certificate, key: clients.admin?.key }))
    await writeFile(join(folder, name), text ?? '')
  const flags = () => [
    `--server=https://127.0.0.1:${port()}`,
    `--certificate-authority=${folder}/ca`,
    `--client-certificate=${folder}/cert`,
    `--client-key=${folder}/key`,
    `--cache-dir=${folder}/cache`,
  ]
  const env = (spdy: boolean) => ({
    ...process.env,
    KUBECONFIG: '/dev/null',
    KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(!spdy),
    KUBECTL_PORT_FORWARD_WEBSOCKETS: String(!spdy),
  })
  return {
    run: (words, { stdin = '', spdy = false } = {}) =>
      new Promise(resolve => {
        const child = execFile('kubectl', [...flags(), ...words], { env: env(spdy), timeout: 30_000 }, (error, out, err) =>
          resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
        )
        child.stdin?.end(stdin)
      }),
    begin(words, { spdy = false } = {}) {
      const child = spawn('kubectl', [...flags(), ...words], { env: env(spdy) })
      let said = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk))
      return { child, said: () => said }
    },
    async end({ child }) {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
