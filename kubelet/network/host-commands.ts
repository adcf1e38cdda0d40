import { spawn } from 'node:child_process'

/** Programs of the host that set up its network. */
export interface HostCommands {
  /** What the program printed. Rejects with what it said, or that it is not there. */
  run(program: 'ip' | 'bridge' | 'iptables' | 'iptables-restore', args: readonly string[], input?: string): Promise<string>
}

/** A program did not do what it was asked to. */
export class CommandError extends Error {
  constructor(program: string, args: readonly string[], why: string) {
    super(`${[program, ...args].join(' ')}: ${why}`)
    this.name = 'CommandError'
  }
}

/** The usual places, which are not on everybody's path. */
const searchPath = (own: string | undefined) =>
  [own, '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'].filter(Boolean).join(':')

export function hostCommands({ path }: { readonly path?: string | undefined } = {}): HostCommands {
  return {
    run: (program, args, input) =>
      new Promise((resolve, reject) => {
        const child = spawn(program, args, { env: { PATH: searchPath(path), LC_ALL: 'C' }, stdio: ['pipe', 'pipe', 'pipe'] })
        let [out, err] = ['', '']
        child.stdout.setEncoding('utf8').on('data', chunk => (out += chunk))
        child.stderr.setEncoding('utf8').on('data', chunk => (err += chunk))
        child.stdin.on('error', () => {}) // it ends before it has read all: its exit code says why
        child.once('error', (error: NodeJS.ErrnoException) =>
          reject(new CommandError(program, [], error.code === 'ENOENT' ? 'there is no such program' : error.message)),
        )
        child.once('close', code => {
          if (code === 0) resolve(out)
          else reject(new CommandError(program, args, err.trim().split('\n').slice(0, 3).join('; ') || `exit code ${code}`))
        })
        child.stdin.end(input)
      }),
  }
}
