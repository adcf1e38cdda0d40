import { RuntimeError } from '../runtime.ts'
import { DockerError, failAs, unless } from './connection.ts'
import { type DockerEngine, onceDone } from './engine.ts'
import { type Owner, ownLabel, shortHash } from './labels.ts'

/** The bridge network that the pods of one node hang on. */
export interface NodeNetwork {
  /** Its id; made on first use. */
  id(): Promise<string>
  /** Looks again next time: somebody else removed it. */
  forget(): void
  /** Removes it. Idempotent; refused while pods hang on it. */
  remove(): Promise<void>
}

/** Linux takes 15 characters. All bridges of a cluster share the part before the dash, so that one rule can match them all. */
export function bridgeName({ cluster, node }: Owner): string {
  return `wh${shortHash(cluster, 5)}-${shortHash(node, 6)}`
}

export interface NetworkOptions {
  /** The largest packet of its pods in bytes; default the bridge's own. */
  readonly mtu?: number | undefined
  /** Is told when a network has been made, for which Docker has changed the packet filter. */
  readonly onMade?: (() => void) | undefined
}

export function nodeNetwork(
  engine: DockerEngine,
  owner: Owner,
  podCIDR: () => string | undefined,
  { mtu, onMade }: NetworkOptions = {},
): NodeNetwork {
  const name = `wherry-${owner.cluster}-${owner.node}`
  const find = async () => {
    const networks = await engine.read(docker => docker.listNetworks({ filters: { name: [name] } }))
    return networks.find(network => network.Name === name)
  }
  const create = async (subnet: string) => {
    const gateway = subnet.replace(/\d+\/\d+$/, last => String(Number(last.split('/')[0]) + 1))
    const network = await engine.change('begin', docker =>
      docker.createNetwork({
        Name: name,
        Driver: 'bridge',
        CheckDuplicate: true,
        IPAM: { Driver: 'default', Config: [{ Subnet: subnet, Gateway: gateway }] },
        Options: {
          'com.docker.network.bridge.name': bridgeName(owner),
          ...(mtu !== undefined && { 'com.docker.network.driver.mtu': String(mtu) }),
        },
        Labels: { [ownLabel.cluster]: owner.cluster, [ownLabel.node]: owner.node },
      }),
    )
    onMade?.()
    return network.id
  }
  const ensure = async (): Promise<string> => {
    const subnet = podCIDR()
    const found = await find()
    if (subnet === undefined) {
      // While the API cannot be reached nobody knows; what the node had before will do.
      if (found) return found.Id
      throw new RuntimeError('create', `network is not ready: node ${owner.node} has no pod CIDR yet`)
    }
    if (found?.IPAM?.Config?.[0]?.Subnet === subnet) return found.Id
    if (found) await removeById(found.Id)
    return create(subnet).catch(async error => {
      const other = error instanceof DockerError && error.status === 409 ? await find() : undefined
      return other?.Id ?? failAs('create')(error)
    })
  }
  const removeById = (id: string) => engine.change('finish', docker => docker.getNetwork(id).remove()).catch(unless(404))
  let id = onceDone(ensure)
  const forget = () => {
    id = onceDone(ensure)
  }
  return {
    id: () => id(),
    forget,
    async remove() {
      forget()
      const found = await find()
      if (found) await removeById(found.Id)
    },
  }
}
