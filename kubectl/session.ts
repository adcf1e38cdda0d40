import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { responseError } from '../client/http-errors.ts'
import type { HttpTransport } from '../client/http-transport.ts'
import { httpTransport } from '../client/http-transport.ts'
import { parseKubeconfig, selectConnection } from '../client/kubeconfig.ts'
import type { Io } from './io.ts'
import { discover, type ResourceMap } from './resources.ts'

/** A connection to a cluster, and what it serves. */
export interface Session {
  readonly transport: HttpTransport
  /** The namespace to work in: the flag's, else the context's. */
  readonly namespace: string
  /** Whether the user named the namespace, and so means it. */
  readonly isNamespaceExplicit: boolean
  readonly server: string
  /** Asked of the server once. */
  readonly resources: () => Promise<ResourceMap>
  /** The decoded JSON of a path in a representation of one's choice. Throws ApiErrors. */
  readonly get: (path: string, accept?: string, signal?: AbortSignal) => Promise<unknown>
  readonly close: () => void
}

export interface SessionOptions {
  readonly namespace?: string | undefined
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
  readonly server?: string | undefined
  readonly cluster?: string | undefined
  readonly token?: string | undefined
  /** Whom to act as. */
  readonly as?: string | undefined
  readonly asUid?: string | undefined
  readonly asGroups?: readonly string[] | undefined
}

/**
 * The kubeconfig to use: the flag's, else KUBECONFIG's, else that of the running Wherry cluster, else ~/.kube/config.
 * Throws when there is none.
 */
export function kubeconfigFile(flag: string | undefined, io: Io): string {
  if (flag) return flag
  const fromEnv = io.env.KUBECONFIG?.split(':').find(file => file && existsSync(file))
  const found = fromEnv ?? io.runningKubeconfig() ?? [join(io.homeDir, '.kube', 'config')].find(file => existsSync(file))
  if (!found) throw new Error('no cluster is running here and there is no kubeconfig; start one with `wherry up`')
  return found
}

/** Reads the kubeconfig and prepares the connection; nothing is sent yet. */
export async function openSession(options: SessionOptions, io: Io): Promise<Session> {
  const file = kubeconfigFile(options.kubeconfig, io)
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`the kubeconfig ${file} cannot be read: ${cause.code ?? cause.message}`, { cause })
  })
  const { context, cluster, as, asUid, asGroups } = options
  const selection = { context, cluster, as, asUid, asGroups }
  const selected = await selectConnection(await parseKubeconfig(text), dirname(file), selection)
  const transport = httpTransport({
    ...selected.transport,
    ...(options.server && { server: options.server }),
    ...(options.token && { token: options.token }),
    userAgent: 'kubectl/wherry',
    onWarning: warning => io.err(`Warning: ${warning}\n`),
  })
  const get: Session['get'] = async (path, accept = 'application/json', signal) => {
    const { status, headers, text: body } = await transport.request({ method: 'GET', path, headers: { accept }, signal })
    if (status >= 300) throw responseError(status, body, headers)
    return JSON.parse(body)
  }
  let resources: Promise<ResourceMap> | undefined
  return {
    transport,
    namespace: options.namespace ?? selected.namespace,
    isNamespaceExplicit: options.namespace !== undefined,
    server: options.server ?? selected.transport.server,
    resources: () => (resources ??= discover(get)),
    get,
    close: () => transport.close(),
  }
}
