import type { Deployment } from '../../api/apps/deployment.ts'
import type { Event } from '../../api/core/event.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import { ignore, isReason } from '../../api/errors.ts'
import { formatSelector, fromLabelSelector } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/transport.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { eventTimeOf } from '../describe/events.ts'
import { callOf, listAll } from '../objects.ts'
import { type Colours, coloursFor } from '../print/colour.ts'
import type { Resource } from '../resources.ts'
import { waitingReason } from '../rollout/waiting-reason.ts'
import { choiceText } from '../schedule/placement-text.ts'
import { displayName, selectOne } from '../selection.ts'
import type { Session } from '../session.ts'
import { lastVerdict, placementOf, type WhyStep } from '../why/steps.ts'
import { endingText, storyText, verdictText } from '../why/story.ts'

export const why: Command = {
  name: 'why',
  usage: 'why TYPE/NAME',
  summary: 'Tells why an object is as it is: who wrote what, what moved them, and by which rule.',
  examples: ['wherry why pod/web-6d4f9-x2x7q', 'wherry why deploy/web', 'wherry why node/node-1 -o json'],
  flags: { output: { type: 'string', short: 'o', help: 'json' } },
  async run(context) {
    const { io } = context
    const output = flag.text(context, 'output')
    if (output !== undefined && output !== 'json') throw new Error(`--output must be 'json', not "${output}"`)
    const session = await context.session()
    const map = await session.resources()
    const { resource, name } = selectOne(context.words, map, 'pods')
    const steps = await fetchSteps(session, resource, name)
    const place = { namespace: session.namespace, name }
    const object = await session.transport.call(callOf('get', resource, place), context.signal).catch((error: unknown) => {
      // Of what is gone the journal may still tell.
      if (steps.length === 0 || !isReason(error, 'NotFound')) throw error
      return undefined
    })
    if (output === 'json') {
      io.out(`${JSON.stringify({ steps }, undefined, 2)}\n`)
      return 0
    }
    const colours = await coloursFor(io)
    if (steps.length === 0) io.out(`Nothing is known of ${displayName(resource, name)} any more: its writes are compacted.\n`)
    const nameOf = (entry: { group: string; resource: string; name: string }) => {
      const known = map.all.find(each => each.group === entry.group && each.resource === entry.resource)
      return displayName(known ?? { singular: entry.resource, kind: '', group: entry.group }, entry.name)
    }
    io.out(storyText(steps, { colours, nameOf }))
    if (object) await epilogue({ context, session, resource, object: object as KubeObject, steps, colours })
    else io.out(`\n${displayName(resource, name)} is gone.\n`)
    return 0
  },
}

async function fetchSteps(session: Session, resource: Resource, name: string): Promise<readonly WhyStep[]> {
  const query = new URLSearchParams({
    group: resource.group,
    resource: resource.resource,
    namespace: resource.namespaced ? session.namespace : '',
    name,
  })
  try {
    return ((await session.get(`/wherry/v1/why?${query}`)) as { steps: readonly WhyStep[] }).steps
  } catch (error) {
    if (isReason(error, 'NotFound')) throw new Error('this server keeps no journal: it is not a Wherry', { cause: error })
    throw error
  }
}

interface Ending {
  readonly context: CommandContext
  readonly session: Session
  readonly resource: Resource
  readonly object: KubeObject
  readonly steps: readonly WhyStep[]
  readonly colours: Colours
}

/** What the chain has led to: why a pod waits, or whom to ask about next. */
async function epilogue({ context, session, resource, object, steps, colours }: Ending): Promise<void> {
  const { io } = context
  if (resource.kind === 'Pod') {
    const pod = object as unknown as Pod
    const placement = placementOf(steps)
    if (placement) io.out(`\n${colours.bold(`Why ${pod.spec.nodeName}:`)}\n${choiceText(placement)}`)
    const verdict = pod.status.phase === 'Pending' && !pod.spec.nodeName ? lastVerdict(steps) : undefined
    const reason = waitingReason(pod)
    const isOver = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed'
    if (verdict) io.out(`\n${verdictText(verdict, { colours })}`)
    else if (isOver) io.out(`\n${endingText(pod)}`)
    else if (reason) io.out(`\n${colours.bold('It is not ready:')} ${reason}\n${await lastWarning(session, object)}`)
    return
  }
  if (resource.kind === 'PersistentVolumeClaim') {
    if ((object as unknown as PersistentVolumeClaim).status.phase !== 'Pending') return
    io.out(`\n${colours.bold('It is not bound.')}\n${await lastWarning(session, object)}`)
    return
  }
  const { selector } = (object as unknown as Partial<Deployment>).spec ?? {}
  if (resource.group !== 'apps' || !selector) return
  const labelSelector = formatSelector(fromLabelSelector(selector))
  const pods = (await session.resources()).named('pods')
  const { items } = await listAll(session, pods, object.metadata.namespace, { labelSelector })
  if (items.length > 0) io.out(`\n${colours.bold('Its pods have their own stories:')}\n${podLines(items as unknown as Pod[])}`)
}

/** Warnings that only repeat what the status of a container says. */
const repetitions: readonly (string | undefined)[] = ['BackOff', 'Failed']

/** The newest warning about an object, in a line of its own; nothing when there is none, or events are not for the user's eyes. */
async function lastWarning(session: Session, { metadata }: KubeObject): Promise<string> {
  const fieldSelector = `involvedObject.uid=${metadata.uid},type=Warning`
  const events = (await session.resources()).named('events')
  const list = await listAll(session, events, metadata.namespace, { fieldSelector }).catch(ignore('Forbidden'))
  const warnings = ((list?.items ?? []) as unknown as Event[]).filter(({ reason }) => !repetitions.includes(reason))
  const [newest] = warnings.sort((a, b) => eventTimeOf(b) - eventTimeOf(a))
  return newest === undefined ? '' : `The last warning: ${newest.reason}: ${newest.message?.trim()}\n`
}

const mostPods = 5

/** Those that wait first, with the reason. */
function podLines(pods: readonly Pod[]): string {
  const told = pods.map(pod => ({ pod, reason: waitingReason(pod) }))
  told.sort((a, b) => Number(a.reason === undefined) - Number(b.reason === undefined))
  const lines = told
    .slice(0, mostPods)
    .map(({ pod, reason }) => `  wherry why pod/${pod.metadata.name}${reason ? `   ${reason}` : ''}\n`)
  return `${lines.join('')}${told.length > mostPods ? `  and ${told.length - mostPods} more\n` : ''}`
}
