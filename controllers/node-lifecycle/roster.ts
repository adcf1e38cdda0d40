import type { Node } from '../../api/core/node.ts'
import type { EventRecorder } from '../../client/events.ts'

/** Which nodes are there: says so when one comes or goes. */
export function roster() {
  const known = new Map<string, Node>()
  return {
    /** Compares with the nodes there are now; answers who is gone. */
    compare(nodes: readonly Node[], events: EventRecorder): { gone: readonly string[] } {
      for (const node of nodes) {
        const { name, uid } = node.metadata
        if (known.get(name)?.metadata.uid === uid) continue
        known.set(name, node)
        events.record(node, 'Normal', 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`)
      }
      if (known.size === nodes.length) return { gone: [] }
      const present = new Set(nodes.map(({ metadata }) => metadata.name))
      const gone = [...known.values()].filter(({ metadata }) => !present.has(metadata.name))
      for (const node of gone) {
        const { name } = node.metadata
        known.delete(name)
        events.record(node, 'Normal', 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`)
      }
      return { gone: gone.map(({ metadata }) => metadata.name) }
    },
  }
}
