import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { HttpTransportOptions, Impersonation } from './http-transport.ts'

/** A kubeconfig file, as far as we use it (k8s.io/client-go/tools/clientcmd/api/v1). What we do not use is kept. */
export interface Kubeconfig {
  apiVersion: 'v1'
  kind: 'Config'
  'current-context'?: string
  clusters?: { name: string; cluster: Cluster }[]
  contexts?: { name: string; context: Context }[]
  users?: { name: string; user: User }[]
  preferences?: Record<string, unknown>
}

interface Cluster {
  server: string
  'certificate-authority'?: string
  'certificate-authority-data'?: string
  'insecure-skip-tls-verify'?: boolean
  'tls-server-name'?: string
}

interface Context {
  cluster: string
  user: string
  namespace?: string
}

interface User {
  'client-certificate'?: string
  'client-certificate-data'?: string
  'client-key'?: string
  'client-key-data'?: string
  token?: string
  tokenFile?: string
  as?: string
  'as-uid'?: string
  'as-groups'?: string[]
  'as-user-extra'?: Record<string, string[]>
}

/** What to take instead of the file's own choice. */
export interface Selection {
  context?: string | undefined
  cluster?: string | undefined
  user?: string | undefined
  /** Whom to act as. */
  as?: string | undefined
  asUid?: string | undefined
  asGroups?: readonly string[] | undefined
}

export interface Selected {
  readonly transport: HttpTransportOptions
  /** The context's namespace, or `default`. */
  readonly namespace: string
  readonly context: string
}

/** Reads a kubeconfig's text, YAML or JSON. Throws an Error that says what is wrong with it. */
export async function parseKubeconfig(text: string): Promise<Kubeconfig> {
  const { parse } = await import('yaml')
  const config = parse(text) as Kubeconfig | null
  if (config === null) return { apiVersion: 'v1', kind: 'Config' }
  if (typeof config !== 'object' || config.kind !== 'Config') throw new Error('this is not a kubeconfig: its kind must be Config')
  return config
}

export async function formatKubeconfig(config: Kubeconfig): Promise<string> {
  const { stringify } = await import('yaml')
  return stringify(config, { lineWidth: 0 })
}

/**
 * The connection that a kubeconfig describes. Files that it names are read; relative ones lie beside it, in `directory`.
 * Throws an Error in kubectl's words when what is selected does not exist.
 */
export async function selectConnection(config: Kubeconfig, directory: string, selection: Selection = {}): Promise<Selected> {
  const contextName = selection.context ?? config['current-context'] ?? ''
  const context = config.contexts?.find(({ name }) => name === contextName)?.context
  if (!context && selection.context !== undefined) throw new Error(`context "${contextName}" does not exist`)
  const clusterName = selection.cluster ?? context?.cluster
  const cluster = config.clusters?.find(({ name }) => name === clusterName)?.cluster
  if (!cluster && clusterName) throw new Error(`cluster "${clusterName}" does not exist`)
  if (!cluster) throw new Error('no configuration has been provided: the kubeconfig has no current context')
  const userName = selection.user ?? context?.user
  const user = config.users?.find(({ name }) => name === userName)?.user
  if (!user && userName) throw new Error(`auth info "${userName}" does not exist`)

  const pem = async (data: string | undefined, path: string | undefined) => {
    if (data) return Buffer.from(data, 'base64').toString('utf8')
    return path ? readFile(resolve(directory, path), 'utf8') : undefined
  }
  const [ca, cert, key, fileToken] = await Promise.all([
    pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    pem(user?.['client-certificate-data'], user?.['client-certificate']),
    pem(user?.['client-key-data'], user?.['client-key']),
    pem(undefined, user?.tokenFile),
  ])
  const token = user?.token ?? fileToken?.trim()
  const impersonate = impersonationOf(userName ?? '', user, selection)
  const tlsServerName = cluster['tls-server-name']
  return {
    context: contextName,
    namespace: context?.namespace || 'default',
    transport: {
      server: cluster.server,
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(token && { token }),
      ...(impersonate && { impersonate }),
      ...(tlsServerName && { tlsServerName }),
      ...(cluster['insecure-skip-tls-verify'] && { insecureSkipTlsVerify: true }),
    },
  }
}

function impersonationOf(name: string, user: User | undefined, selection: Selection): Impersonation | undefined {
  const as = selection.as ?? user?.as
  const uid = selection.asUid ?? user?.['as-uid']
  const groups = selection.asGroups ?? user?.['as-groups'] ?? []
  const extra = user?.['as-user-extra'] ?? {}
  if (as) return { user: as, groups, extra, ...(uid && { uid }) }
  if (uid || groups.length > 0 || Object.keys(extra).length > 0) {
    throw new Error(`requesting uid, groups or user-extra for ${name} without impersonating a user`)
  }
  return undefined
}

/** A kubeconfig with one cluster, one user and one context, all of one name, credentials embedded. */
export function kubeconfigFor(name: string, { server, ca, cert, key, token }: HttpTransportOptions): Kubeconfig {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, ...(ca && { 'certificate-authority-data': base64(ca) }) } }],
    users: [
      {
        name,
        user: {
          ...(cert && { 'client-certificate-data': base64(cert) }),
          ...(key && { 'client-key-data': base64(key) }),
          ...(token && { token }),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
}

/** Puts the clusters, users and contexts of one kubeconfig over those of another, by name; the current context comes along. */
export function mergeKubeconfig(base: Kubeconfig, added: Kubeconfig): Kubeconfig {
  const merge = <T extends { name: string }>(old: readonly T[] = [], fresh: readonly T[] = []): T[] => [
    ...old.filter(({ name }) => !fresh.some(each => each.name === name)),
    ...fresh,
  ]
  return {
    ...base,
    ...added,
    clusters: merge(base.clusters, added.clusters),
    contexts: merge(base.contexts, added.contexts),
    users: merge(base.users, added.users),
  }
}
