import type { Node } from '../../../api/core/node.ts'
import type { CSINode } from '../../../api/storage/csi-node.ts'
import type { StorageClass } from '../../../api/storage/storage-class.ts'
import type { Texts, Topology } from '../messages.ts'

interface Input {
  readonly driver: string
  readonly nodes: readonly Node[]
  readonly csiNodes: readonly CSINode[]
  readonly storageClass: Pick<StorageClass, 'allowedTopologies'>
  readonly selectedNode: string | undefined
}

/**
 * Where a volume may be, and where best: everywhere that the driver reaches and the class allows, the place of the pod's node first
 * (external-provisioner pkg/controller/topology.go). Throws where that is nowhere.
 */
export function topologyRequirement({ driver, nodes, csiNodes, storageClass, selectedNode }: Input): {
  requisite: Topology[]
  preferred: Topology[]
} {
  const keysOf = (nodeName: string) =>
    csiNodes.find(({ metadata }) => metadata.name === nodeName)?.spec.drivers.find(({ name }) => name === driver)?.topologyKeys
  const placeOf = ({ metadata }: Node): Texts | undefined => {
    const keys = keysOf(metadata.name)
    if (!keys?.length) return undefined
    const entries = keys.flatMap(key => (metadata.labels?.[key] === undefined ? [] : [[key, metadata.labels[key]] as const]))
    return entries.length === keys.length ? Object.fromEntries(entries) : undefined
  }
  const chosen = nodes.find(({ metadata }) => metadata.name === selectedNode)
  if (selectedNode !== undefined && chosen && !placeOf(chosen))
    throw new Error(`error generating accessibility requirements: no topology key found on CSINode ${selectedNode}`)
  const wanted = chosen && placeOf(chosen)
  const places = new Map<string, Texts>()
  for (const node of nodes) {
    const place = placeOf(node)
    if (place && isAllowed(place, storageClass)) places.set(JSON.stringify(place), place)
  }
  const first = wanted && JSON.stringify(wanted)
  const rest = [...places].filter(([id]) => id !== first).sort(([a], [b]) => (a < b ? -1 : 1))
  const ordered = first !== undefined && places.has(first) ? [[first, wanted] as const, ...rest] : rest
  if (ordered.length === 0) throw new Error('error generating accessibility requirements: no available topology found')
  const terms = ordered.map(([, segments]) => ({ segments: segments as Texts }))
  return { requisite: terms, preferred: terms }
}

function isAllowed(place: Texts, { allowedTopologies = [] }: Input['storageClass']): boolean {
  return (
    allowedTopologies.length === 0 ||
    allowedTopologies.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.every(({ key, values }) => values.includes(place[key] ?? '')),
    )
  )
}

/** Nodes that reach a volume which is at any of these places. */
export function nodeAffinityOf(places: readonly Topology[] | undefined) {
  if (!places?.length) return undefined
  return {
    required: {
      nodeSelectorTerms: places.map(({ segments }) => ({
        matchExpressions: Object.entries(segments)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, value]) => ({ key, operator: 'In' as const, values: [value] })),
      })),
    },
  }
}
