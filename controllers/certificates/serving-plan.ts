import { isIP } from 'node:net'
import type { Node } from '../../api/core/node.ts'
import type { RequestFacts } from '../../lib/x509/request.ts'
import { commonNameOf, kubeletServingFault, nodePrefix } from './kubelet-requests.ts'

export interface ServingInput {
  readonly asked: RequestFacts
  readonly usages: readonly string[]
  /** Who asks. */
  readonly username: string
  readonly groups: readonly string[]
  /** The node of that user, if there is one. */
  readonly node: Node | undefined
}

/** Names of the API server and of every machine: whoever could show a certificate for them could pose as others. */
const taken = /^(localhost|kubernetes(\.default(\.svc(\..+)?)?)?)$/i

/** Why a serving certificate is not approved without somebody looking at it; undefined: it is a node's own, for its own addresses. */
export function servingDoubt({ asked, usages, username, groups, node }: ServingInput): string | undefined {
  const fault = kubeletServingFault(asked, usages)
  if (fault !== undefined) return fault
  if (username !== commonNameOf(asked) || !username.startsWith(nodePrefix) || !groups.includes('system:nodes'))
    return 'it was not asked for by the node that it names'
  if (!node) return 'there is no such node'
  const own = new Set((node.status.addresses ?? []).map(({ address }) => address.toLowerCase()))
  own.add(node.metadata.name.toLowerCase())
  const named = [...asked.names.dnsNames, ...asked.names.ipAddresses].map(name => name.toLowerCase())
  const foreign = named.find(name => !own.has(name) || taken.test(name) || isLoopback(name))
  return foreign === undefined ? undefined : `${foreign} is no address of the node`
}

const isLoopback = (name: string) => (isIP(name) === 4 ? name.startsWith('127.') : name === '::1')
