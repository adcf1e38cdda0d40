import { Node } from '../../api/core/node.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { noScheduleTaints } from './taints.ts'

/** Puts NoSchedule taints on nodes as their conditions say, at once. Wakes only for nodes whose taints say something else. */
export const nodeTaints: Controller = {
  name: 'node-taints',
  watches: [
    on(Node, ({ type, object }) => (type !== 'deleted' && noScheduleTaints(object as Node, 0) ? [object.metadata.name] : [])),
  ],
  writes: [Node],
  async reconcile({ client, lister, clock }, name) {
    const node = lister(Node).get(name)
    const taints = node && noScheduleTaints(node, clock.now())
    if (!node || !taints) return
    const text = `its conditions call for the taints ${taints.map(({ key, effect }) => `${key}:${effect}`).join(', ') || 'none'}`
    const note = { rule: 'node-taints/conditions', text }
    await client.update(Node, { ...node, spec: { ...node.spec, taints } }, { note })
  },
}
