import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { KubeObject } from '../../api/transport.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { callOf, listAll } from '../objects.ts'
import type { Resource } from '../resources.ts'
import type { Session } from '../session.ts'
import { type NodeUsage, nodeTable, type PodUsage, podTable, type SortBy } from '../top/usage-table.ts'

/** Pods younger than this need not have been measured yet. */
const delayInMs = 120_000

export const top: Command = {
  name: 'top',
  usage: 'top (node | pod) [NAME | -l LABEL] [flags]',
  summary: 'Shows how much CPU and memory nodes or pods use.',
  examples: ['wherry top node', 'wherry top pod -A --sort-by=memory', 'wherry top pod web --containers'],
  flags: {
    selector: { type: 'string', short: 'l', help: 'Only those with these labels: a=b,c!=d' },
    'field-selector': { type: 'string', help: 'pod: only those with these field values' },
    'all-namespaces': { type: 'bool', short: 'A', help: 'pod: in every namespace' },
    containers: { type: 'bool', help: 'pod: each container by itself' },
    sum: { type: 'bool', help: 'pod: the sum of them all, too' },
    'sort-by': { type: 'string', help: 'cpu or memory: the largest first' },
    'no-headers': { type: 'bool', help: 'No line of headers' },
    'show-capacity': { type: 'bool', help: 'node: as parts of the capacity, not of what pods may have' },
    'use-protocol-buffers': { type: 'bool', help: 'Has no effect', hidden: true },
  },
  async run(context) {
    const [what = '', name, ...more] = context.words
    const sortBy = flag.text(context, 'sort-by')
    if (sortBy !== undefined && sortBy !== 'cpu' && sortBy !== 'memory') throw new Error('--sort-by accepts only cpu or memory')
    if (more.length > 0) throw new Error('only one NAME can be given')
    const selectors = flag.text(context, 'selector') ?? flag.text(context, 'field-selector')
    const isNode = ['node', 'nodes', 'no'].includes(what)
    if (!isNode && !['pod', 'pods', 'po'].includes(what)) throw new Error('top of what? One of node, pod')
    if (name !== undefined && selectors !== undefined) {
      throw new Error(`only one of NAME or ${isNode ? '--selector' : 'selector'} can be provided`)
    }
    return isNode ? topNodes(context, name, sortBy) : topPods(context, name, sortBy)
  },
}

async function topNodes(context: CommandContext, name: string | undefined, sortBy: SortBy): Promise<number> {
  const session = await context.session()
  const usages = (await found(context, session, await metricsOf(session, 'NodeMetrics'), name)) as unknown as NodeUsage[]
  if (usages.length === 0) throw new Error('metrics not available yet')
  const nodes = (await found(context, session, (await session.resources()).named('nodes'), name)) as unknown as Node[]
  const isCapacity = flag.on(context, 'show-capacity')
  const available = new Map(
    nodes.map(({ metadata, status }) => [metadata.name, (isCapacity ? status.capacity : status.allocatable) ?? {}]),
  )
  context.io.out(nodeTable(usages, available, { sortBy, noHeaders: flag.on(context, 'no-headers') }))
  return 0
}

async function topPods(context: CommandContext, name: string | undefined, sortBy: SortBy): Promise<number> {
  const { io } = context
  const session = await context.session()
  const usages = (await found(context, session, await metricsOf(session, 'PodMetrics'), name)) as unknown as PodUsage[]
  const withNamespace = flag.on(context, 'all-namespaces')
  if (usages.length === 0) {
    const pods = (await found(context, session, (await session.resources()).named('pods'), name)) as unknown as Pod[]
    const old = pods.find(({ metadata }) => io.now() - Date.parse(metadata.creationTimestamp) > delayInMs)
    if (old) throw new Error(`Metrics not available for pod ${old.metadata.namespace}/${old.metadata.name}`)
    if (pods.length > 0) throw new Error('metrics not available yet')
    io.err(withNamespace ? 'No resources found\n' : `No resources found in ${session.namespace} namespace.\n`)
    return 0
  }
  io.out(
    podTable(usages, {
      sortBy,
      withNamespace,
      byContainer: flag.on(context, 'containers'),
      withSum: flag.on(context, 'sum'),
      noHeaders: flag.on(context, 'no-headers'),
    }),
  )
  return 0
}

async function metricsOf(session: Session, kind: string): Promise<Resource> {
  const resource = (await session.resources()).all.find(each => each.kind === kind && each.group === 'metrics.k8s.io')
  if (!resource) throw new Error('Metrics API not available')
  return resource
}

/** The object of a name, or those that the flags select. */
async function found(
  context: CommandContext,
  session: Session,
  resource: Resource,
  name: string | undefined,
): Promise<readonly KubeObject[]> {
  const { namespace } = session
  if (name !== undefined) {
    return [(await session.transport.call(callOf('get', resource, { namespace, name }))) as KubeObject]
  }
  const [labelSelector, fieldSelector] = [flag.text(context, 'selector'), flag.text(context, 'field-selector')]
  const options = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) }
  const where = flag.on(context, 'all-namespaces') ? undefined : namespace
  return (await listAll(session, resource, where, options)).items
}
