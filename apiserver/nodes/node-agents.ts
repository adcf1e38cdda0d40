import type { Node } from '../../api/core/node.ts'
import type { NodeAgent } from '../../api/node-agent.ts'
import { type UserInfo, users } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Handle } from '../request.ts'
import { type KubeletAddress, kubeletAddress } from './address.ts'
import { type KubeletClient, type KubeletCredentials, kubeletClient } from './kubelet-client.ts'
import { remoteNodeAgent } from './remote-node-agent.ts'

interface Options {
  readonly handle: Handle
  /** Kubelets of this process, which are asked directly. */
  readonly local: (nodeName: string) => NodeAgent | undefined
  /** Where those of this process listen, if they do. */
  readonly localAddress?: ((nodeName: string) => KubeletAddress | undefined) | undefined
  /** Asked once, when they are needed; absent: no other kubelets can be reached. */
  readonly credentials?: (() => Promise<KubeletCredentials>) | undefined
  readonly clock: Clock
}

/** Finds the kubelet of a node. */
export interface NodeAgents {
  readonly of: (nodeName: string) => NodeAgent | undefined
  close(): void
}

const reader: UserInfo = users.apiServer

/** The kubelet of this process, or else the one where the Node object says that it listens. Nothing is loaded or opened before it is needed. */
export function nodeAgents({ handle, local, localAddress, credentials, clock }: Options): NodeAgents {
  let opened: Promise<KubeletClient> | undefined
  const clientWith = (ask: () => Promise<KubeletCredentials>) => () =>
    (opened ??= ask().then(
      known => kubeletClient({ credentials: known, clock }),
      error => {
        opened = undefined
        throw error
      },
    ))
  const locate = async (name: string): Promise<KubeletAddress> => {
    const answer = await handle({ verb: 'get', group: '', version: 'v1', resource: 'nodes', name, user: reader })
    if (answer.type !== 'object') throw new Error(`nodes ${JSON.stringify(name)} not found`)
    return kubeletAddress(answer.object as Node)
  }
  return {
    of(name) {
      const own = local(name)
      if (!credentials) return own
      const client = clientWith(credentials)
      if (!own) return remoteNodeAgent({ client, locate: () => locate(name), clock })
      const at = localAddress?.(name)
      if (!at) return own
      const { door } = remoteNodeAgent({ client, locate: async () => at, clock })
      return { ...own, ...(door && { door }) }
    },
    close: () => void opened?.then(client => client.close()),
  }
}
