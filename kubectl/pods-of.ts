import type { Pod } from '../api/core/pod.ts'
import { formatSelector, fromLabelMap, fromLabelSelector, type LabelSelectorObject } from '../api/selectors.ts'
import type { KubeObject } from '../api/transport.ts'
import { limited } from './changes.ts'
import { type CommandContext, flag } from './command.ts'
import { parseDuration } from './duration.ts'
import { callOf, listAll } from './objects.ts'
import { selectOne } from './selection.ts'
import type { Session } from './session.ts'

/** The pods that words such as `web`, `pod/web` or `deployment/web` mean, the likeliest to be asked about first. */
export async function podsMeant(session: Session, words: readonly string[]): Promise<readonly Pod[]> {
  return (await objectAndPods(session, words, 'get the logs from')).pods
}

/** What is meant, and its pods; `doing` is for the message when it can have none. */
async function objectAndPods(session: Session, words: readonly string[], doing: string) {
  const map = await session.resources()
  const { resource, name } = selectOne(words, map, 'pods')
  const { namespace } = session
  const object = (await session.transport.call(callOf('get', resource, { namespace, name }))) as KubeObject
  if (resource.resource === 'pods' && resource.group === '') return { object, pods: [object as unknown as Pod] }
  const selector = selectorOf(object)
  if (!selector) throw new Error(`cannot ${doing} ${resource.kind}: it has no pods`)
  const { items } = await listAll(session, map.named('pods'), namespace, { labelSelector: selector })
  return { object, pods: (items as unknown as Pod[]).slice().sort(byInterest) }
}

const pollInMs = 500

/** The likeliest of the pods that are meant, as soon as there is one, and what it belongs to. Throws when there is none in time. */
export async function podMeant(
  context: CommandContext,
  session: Session,
  words: readonly string[],
  { timeout, doing }: { timeout: string; doing: string },
): Promise<{ pod: Pod; object: KubeObject }> {
  const patience = parseDuration('pod-running-timeout', flag.text(context, 'pod-running-timeout') ?? timeout)
  if (patience <= 0) throw new Error('--pod-running-timeout must be higher than zero')
  const limit = limited(context, patience)
  try {
    for (;;) {
      const { object, pods } = await objectAndPods(session, words, doing)
      if (pods[0]) return { pod: pods[0], object }
      if (limit.signal.aborted) throw new Error('timed out waiting for the condition')
      await context.io.sleep(pollInMs, limit.signal)
    }
  } finally {
    limit.release()
  }
}

/** The label selector by which an object picks pods, as text. */
function selectorOf(object: KubeObject): string | undefined {
  const { selector } = (object as unknown as { spec?: { selector?: object } }).spec ?? {}
  if (!selector) return undefined
  const isObject = 'matchLabels' in selector || 'matchExpressions' in selector
  return formatSelector(
    isObject ? fromLabelSelector(selector as LabelSelectorObject) : fromLabelMap(selector as Record<string, string>),
  )
}

/** Those that run before those that do not, ready ones first, then the oldest. */
function byInterest(a: Pod, b: Pod): number {
  const rank = (pod: Pod) => [
    pod.spec.nodeName ? 0 : 1,
    ['Running', 'Unknown', 'Pending'].indexOf(pod.status.phase ?? '') + 1 || 9,
    isReady(pod) ? 0 : 1,
  ]
  const [left, right] = [rank(a), rank(b)]
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return (left[i] ?? 0) - (right[i] ?? 0)
  return a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1
}

const isReady = ({ status }: Pod) => status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true

/** Everything in a pod that has a log and can be entered. */
export function containerNames({ spec }: Pod): string[] {
  return [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])].map(({ name }) => name)
}

const defaultContainer = 'kubectl.kubernetes.io/default-container'

/** The container that is meant when none is named; `tell` hears of the choice where there was one. */
export function usualContainer(pod: Pod, tell: (text: string) => void): string {
  const annotated = pod.metadata.annotations?.[defaultContainer]
  if (annotated) {
    if (containerNames(pod).includes(annotated)) return annotated
    tell(`Default container name "${annotated}" not found in pod ${pod.metadata.name}\n`)
  }
  const name = pod.spec.containers[0]?.name ?? ''
  if (containerNames(pod).length > 1) tell(`Defaulted container "${name}" out of: ${labelledNames(pod)}\n`)
  return name
}

function labelledNames({ spec }: Pod): string {
  return [
    ...spec.containers.map(({ name }) => name),
    ...(spec.ephemeralContainers ?? []).map(({ name }) => `${name} (ephem)`),
    ...(spec.initContainers ?? []).map(({ name }) => `${name} (init)`),
  ].join(', ')
}
