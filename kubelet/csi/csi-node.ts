import { Node } from '../../api/core/node.ts'
import { ignore, isReason } from '../../api/errors.ts'
import { CSINode } from '../../api/storage/csi-node.ts'
import type { Client } from '../../client/client.ts'
import { oneAtATime } from '../volumes/turns.ts'
import type { NodeInfo } from './messages.ts'

/** What the API knows of the drivers on this node: the CSINode object, the Node's annotation and its labels. */
export interface CsiNodeRecord {
  /** Makes the object if there is none. */
  begin(): Promise<void>
  install(driver: string, info: NodeInfo): Promise<void>
  uninstall(driver: string): Promise<void>
}

interface Options {
  readonly nodeName: string
  readonly client: Client
  /** Undefined as long as the node has not registered. */
  readonly node: () => Node | undefined
}

const nodeIdAnnotation = 'csi.volume.kubernetes.io/nodeid'
const attempts = 5

type Drivers = CSINode['spec']['drivers']

/** pkg/volume/csi/nodeinfomanager */
export function csiNodeRecord({ nodeName, client, node }: Options): CsiNodeRecord {
  const inTurn = oneAtATime()
  const own = async (): Promise<Node> => {
    const known = node()
    if (known?.metadata.uid) return known
    throw new Error(`node "${nodeName}" is not registered yet`)
  }

  const change = async (drivers: (before: Drivers) => Drivers, text: string) => {
    const note = { rule: 'kubelet/csi-node', text }
    for (let attempt = 1; ; attempt++) {
      const known = await client.get(CSINode, { name: nodeName }).catch(ignore('NotFound'))
      try {
        if (known) {
          const next = drivers(known.spec.drivers)
          if (JSON.stringify(next) === JSON.stringify(known.spec.drivers)) return
          await client.update(CSINode, { ...known, spec: { drivers: next } }, { note })
        } else {
          const { metadata } = await own()
          const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: metadata.uid }
          const object = { metadata: { name: nodeName, ownerReferences: [owner] }, spec: { drivers: drivers([]) } }
          await client.create(CSINode, object, { note })
        }
        return
      } catch (error) {
        if (attempt === attempts || !isReason(error, 'Conflict', 'AlreadyExists')) throw error
      }
    }
  }

  /** What the annotation says of all drivers, changed for one of them. */
  const annotate = async (driver: string, nodeId: string | undefined, labels: Readonly<Record<string, string>>) => {
    const { metadata } = await client.get(Node, { name: nodeName })
    const { [driver]: before, ...others } = parsed(metadata.annotations?.[nodeIdAnnotation])
    const isKnown = Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value)
    if (before === nodeId && isKnown) return
    const clash = Object.entries(labels).find(([key, value]) => (metadata.labels?.[key] ?? value) !== value)
    if (clash && nodeId !== undefined)
      throw new Error(
        `detected topology value collision: driver reported "${clash[0]}":"${clash[1]}" but existing label is "${clash[0]}":"${metadata.labels?.[clash[0]]}"`,
      )
    const ids = nodeId === undefined ? others : { ...others, [driver]: nodeId }
    const text = Object.keys(ids).length > 0 ? JSON.stringify(ids) : null
    const patch = { metadata: { annotations: { [nodeIdAnnotation]: text }, labels } }
    const note = { rule: 'kubelet/csi-node', text: `driver ${driver} calls this node ${nodeId ?? 'nothing any more'}` }
    await client.patch(Node, { name: nodeName }, 'merge', patch, { note })
  }

  return {
    begin: () => inTurn('', () => change(before => before, 'no driver yet')),
    install: (name, { nodeId, maxVolumesPerNode = 0, accessibleTopology }) =>
      inTurn('', async () => {
        if (!nodeId) throw new Error(`error adding CSI driver node info: driverNodeID must not be empty`)
        await own()
        const segments = accessibleTopology?.segments ?? {}
        const entry = {
          name,
          nodeID: nodeId,
          topologyKeys: Object.keys(segments).sort(),
          ...(maxVolumesPerNode > 0 && { allocatable: { count: Math.min(maxVolumesPerNode, 2 ** 31 - 1) } }),
        }
        await annotate(name, nodeId, segments)
        const without = (before: Drivers) => before.filter(driver => driver.name !== name)
        const same = (before: Drivers) => {
          const old = before.find(driver => driver.name === name)
          return old?.nodeID === nodeId && JSON.stringify(old.topologyKeys ?? []) === JSON.stringify(entry.topologyKeys)
        }
        // A driver that calls the node otherwise than before may not just change it: it leaves and comes.
        await change(before => (same(before) ? before : without(before)), `driver ${name} is new`)
        await change(before => {
          const at = before.findIndex(driver => driver.name === name)
          return at < 0 ? [...before, entry] : before.with(at, entry)
        }, `driver ${name} has registered`)
      }),
    uninstall: name =>
      inTurn('', async () => {
        await change(before => before.filter(driver => driver.name !== name), `driver ${name} has gone`)
        await annotate(name, undefined, {})
      }),
  }
}

function parsed(text: string | undefined): Record<string, string> {
  try {
    return JSON.parse(text ?? '{}') as Record<string, string>
  } catch {
    return {}
  }
}
