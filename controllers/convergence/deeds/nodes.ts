import { Node } from '../../../api/core/node.ts'
import { ignore } from '../../../api/errors.ts'
import type { Stage } from '../stage.ts'
import { type Deed, oneOf, pick, pickObject, type Theme } from '../theme.ts'

const aNode = ({ random, picture }: Stage) => oneOf(random, picture.of(Node))

const leave: Deed = stage => {
  const node = aNode(stage)
  if (!node || stage.picture.of(Node).length < 3) return undefined
  const { name } = node.metadata
  return { text: `node ${name}: leaves`, act: () => stage.machines.leave(name) }
}
const join: Deed = ({ random, picture, machines }) => {
  const present = new Set(picture.of(Node).map(({ metadata }) => metadata.name))
  const name = oneOf(
    random,
    machines.names.filter(each => !present.has(each)),
  )
  return name === undefined ? undefined : { text: `node ${name}: joins`, act: () => machines.join(name) }
}
const silence: Deed = stage => {
  const { machines } = stage
  const node = aNode(stage)
  if (!node) return undefined
  const { name } = node.metadata
  return { text: `node ${name}: falls silent`, act: async () => machines.silence(name) }
}
const wake: Deed = stage => {
  const { machines, picture, random } = stage
  const name = oneOf(
    random,
    picture.of(Node).flatMap(({ metadata: { name } }) => (machines.isLive(name) ? [] : [name])),
  )
  return name === undefined ? undefined : { text: `node ${name}: is heard again`, act: async () => machines.wake(name) }
}
const change: Deed = stage => {
  const { client, random } = stage
  const node = aNode(stage)
  if (!node) return undefined
  const others = (node.spec.taints ?? []).filter(({ key }) => key !== 'test/taint')
  const taint = { key: 'test/taint', effect: pick(random, 'NoSchedule' as const, 'NoExecute' as const) }
  const patch = pickObject(
    random,
    { spec: { unschedulable: !node.spec.unschedulable } },
    { metadata: { labels: { fits: pick(random, 'yes', 'no') } } },
    { spec: { taints: others } },
    { spec: { taints: [...others, taint] } },
  )
  return {
    text: `node ${node.metadata.name}: ${JSON.stringify(patch)}`,
    act: () => client.patch(Node, node.metadata, 'merge', patch),
  }
}

export const nodes: Theme = {
  name: 'nodes',
  deeds: [leave, join, silence, wake, wake, change, change],
  /** All nodes are there, work and take pods. */
  async calm({ client, machines }) {
    const present = (await client.list(Node)).items
    for (const { metadata, spec } of present) {
      const taints = (spec.taints ?? []).filter(({ key }) => key !== 'test/taint')
      await client.patch(Node, metadata, 'merge', { spec: { unschedulable: null, taints } }).catch(ignore('NotFound'))
      machines.wake(metadata.name)
    }
    for (const name of machines.names) if (!present.some(({ metadata }) => metadata.name === name)) await machines.join(name)
  },
}
