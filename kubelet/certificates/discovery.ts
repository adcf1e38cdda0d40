import {
  type BootstrapToken,
  clusterInfo,
  clusterInfoKey,
  isSignedBy,
  parseBootstrapToken,
  signaturePrefix,
} from '../../api/bootstrap-tokens.ts'
import { ConfigMap } from '../../api/core/config-map.ts'
import { ApiError, isReason } from '../../api/errors.ts'
import { httpTransport } from '../../client/http-transport.ts'
import { parseKubeconfig } from '../../client/kubeconfig.ts'
import { createClient } from '../../client/typed-client.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { isPinned } from './pins.ts'

/** Joining is refused, for a reason that people can do something about. */
export class JoinError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'JoinError'
  }
}

export interface DiscoveryOptions {
  /** `https://10.0.0.1:6443` */
  readonly server: string
  readonly token: string
  /** Keys of authorities that may be believed (`sha256:<hex>`). */
  readonly pins: readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** For so long a server that is not there is waited for, and a signature that is not there yet (kubeadm: 5 minutes for both). */
const serverPatienceInMs = 5 * 60_000
const signaturePatienceInMs = 15_000
const everyMs = 1000

/**
 * The authority (PEM) of a cluster whose server nobody can vouch for yet: cluster-info tells it, and is believed when the token has signed
 * it or the authority's key is pinned (cmd/kubeadm/app/discovery/token). The token itself is not shown to the server before that.
 * Throws a JoinError.
 */
export async function discoverAuthority(options: DiscoveryOptions): Promise<string> {
  const { server, pins, signal } = options
  const token = parseBootstrapToken(options.token)
  if (!token) throw new JoinError('the token is none: it must be like "abcdef.0123456789abcdef"')
  const info = await readClusterInfo(options, token)
  const content = believed(info, token, pins)
  const authority = await authorityIn(content)
  if (pins.length === 0) return authority
  if (!isPinned(authority, pins))
    throw new JoinError(`the cluster that answers at ${server} has another certificate authority than the one that is pinned`)
  // Again, from a server that can show a certificate of that authority: it must say the same.
  const secure = httpTransport({ server, ca: authority })
  try {
    const again = await createClient(secure).get(ConfigMap, clusterInfo)
    if (again.data?.[clusterInfoKey] !== content)
      throw new JoinError('cluster-info is another one when the server has to show its certificate: somebody sits between')
  } catch (error) {
    if (error instanceof JoinError || signal.aborted) throw error
    throw new JoinError(`the server at ${server} cannot show a certificate of the authority that is pinned: ${messageOf(error)}`)
  } finally {
    secure.close()
  }
  return authority
}

type Data = Readonly<Record<string, string>>

/** Waits for the server, and for the signature if nothing else can vouch for it. */
async function readClusterInfo({ server, pins, clock, log, signal }: DiscoveryOptions, token: BootstrapToken): Promise<Data> {
  const transport = httpTransport({ server, insecureSkipTlsVerify: true })
  const client = createClient(transport)
  const startedAt = clock.monotonic()
  let answeredAt: number | undefined
  let told = false
  try {
    for (;;) {
      try {
        const { data = {} } = await client.get(ConfigMap, clusterInfo)
        answeredAt ??= clock.monotonic()
        const isSigned = data[signaturePrefix + token.id] !== undefined
        if (isSigned || pins.length > 0 || clock.monotonic() - answeredAt > signaturePatienceInMs) return data
      } catch (error) {
        const isRefused = isReason(error, 'NotFound') || isReason(error, 'Forbidden') || isReason(error, 'Unauthorized')
        if (isRefused)
          throw new JoinError(
            `${server} does not tell strangers about its cluster: start it with "wherry server", or pass --ca-file`,
          )
        if (clock.monotonic() - startedAt > serverPatienceInMs)
          throw new JoinError(`no API server answers at ${server}: ${messageOf(error)}`)
        if (!told) log.warn({ server, err: messageOf(error) }, 'the API server does not answer; it is asked again')
        told = true
      }
      await clock.sleep(everyMs, signal)
      if (signal.aborted) throw new JoinError('stopped')
    }
  } finally {
    transport.close()
  }
}

/** What cluster-info says, if there is a reason to believe it. */
export function believed(data: Data, token: BootstrapToken, pins: readonly string[]): string {
  const content = data[clusterInfoKey]
  if (!content) throw new JoinError('cluster-info does not say how to reach the cluster: it is not set up for nodes to join')
  const signature = data[signaturePrefix + token.id]
  if (signature === undefined) {
    if (pins.length > 0) return content
    throw new JoinError(
      `the token id "${token.id}" is not known to this cluster, or the token has expired; "wherry token create" on the server makes a new one`,
    )
  }
  if (!isSignedBy(token, content, signature))
    throw new JoinError(
      `the token "${token.id}.<secret>" is not the one that this cluster has: its signature of cluster-info does not fit, so the server cannot be trusted`,
    )
  return content
}

async function authorityIn(content: string): Promise<string> {
  const { clusters = [] } = await parseKubeconfig(content)
  const [only, ...others] = clusters
  const data = only?.cluster['certificate-authority-data']
  if (!data || others.length > 0) throw new JoinError('cluster-info must name one cluster and its certificate authority')
  return Buffer.from(data, 'base64').toString()
}

export function messageOf(error: unknown): string {
  return error instanceof ApiError
    ? (error.status.message ?? error.message)
    : error instanceof Error
      ? error.message
      : String(error)
}
