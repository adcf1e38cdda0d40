import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import { aborted } from '../../lib/run.ts'
import type { ContainerRuntime, ContainerState, Sandbox } from '../runtime/runtime.ts'
import { emptyPodRuntime, groupByPod, isSame, type PodRuntime } from './pod-runtime.ts'

/** The kubelet's picture of its runtime, made by listing everything now and then and comparing (PLEG; semantics C1). */
export interface RuntimeView {
  /** As of the last relist. */
  get(podUid: string): PodRuntime
  podUids(): Iterable<string>
  /** Every container and sandbox there is. */
  all(): Iterable<[podUid: string, pod: PodRuntime]>
  /**
   * Resolves when a relist that begins after this call is in; rejects when it failed. Calls share relists. With a pod, that one at
   * least is as new as this call.
   */
  refresh(podUid?: string): Promise<void>
  /** When the last relist ended well, on the monotonic clock; `undefined`: never. */
  readonly lastSuccessAt: number | undefined
  /**
   * Relists whenever the runtime hints at a change; every second as long as its hints cannot be relied on and pods are active, and now
   * and then otherwise (pkg/kubelet/pleg/evented.go).
   */
  readonly run: Run
}

interface Options {
  runtime: ContainerRuntime
  clock: Clock
  log: Log
  /** Told after each relist which pods changed. */
  onChange: (podUids: readonly string[]) => void
  /** Whether any pod is still to be looked after. */
  isActive: () => boolean
  /** Whether somebody is changing this pod's containers and refreshes it afterwards. */
  isBeingChanged?: (podUid: string) => boolean
  activeEveryMs: number
  idleEveryMs: number
}

/** No pod's uid. */
const everything = ''

/** An event storm (a pod with ten containers ends) becomes one relist. */
const hintDelayInMs = 5
/** Whoever changes a pod has caused most of its hints and looks at it himself, unless that takes long. */
const ownHintDelayInMs = 1000

export function runtimeView(options: Options): RuntimeView {
  const { runtime, clock, log, onChange, isActive, isBeingChanged = () => false, activeEveryMs, idleEveryMs } = options
  let pods = new Map<string, PodRuntime>()
  let lastSuccessAt: number | undefined
  /** Relists by what they are of, a pod's uid or everything: of each, one is under way, and one waits for its end. */
  const begun = new Map<string, Promise<void>>()
  const waiting = new Map<string, Promise<void>>()
  /** By pod: how to forget the hint that has been put off. */
  const laterHints = new Map<string, () => void>()
  const forgetHint = (uid: string) => {
    laterHints.get(uid)?.()
    laterHints.delete(uid)
  }

  const detailed = async (listed: Awaited<ReturnType<ContainerRuntime['list']>>) => {
    const known = knownDetails(pods)
    const [sandboxes, containers] = await Promise.all([
      withDetails(
        listed.sandboxes,
        one => known.sandbox(one) ?? (isWhole(one) ? one : undefined),
        one => runtime.inspectSandbox(one.id),
      ),
      withDetails(
        listed.containers,
        one => known.container(one) ?? (hasRun(one) ? undefined : one),
        one => runtime.inspect(one.id),
      ),
    ])
    return groupByPod(sandboxes, containers)
  }

  const relist = async () => {
    for (const uid of laterHints.keys()) forgetHint(uid)
    const fresh = await detailed(await runtime.list())
    const changed = new Set<string>()
    for (const [uid, pod] of fresh) if (!isSame(pod, pods.get(uid))) changed.add(uid)
    for (const uid of pods.keys()) if (!fresh.has(uid)) changed.add(uid)
    pods = fresh
    lastSuccessAt = clock.monotonic()
    if (changed.size > 0) onChange([...changed])
  }

  const relistPod = async (uid: string, listPod: NonNullable<ContainerRuntime['listPod']>) => {
    forgetHint(uid)
    const picture = pods
    const fresh = (await detailed(await listPod(uid))).get(uid)
    // A relist of everything that came in meanwhile may be newer, or older: it is not known which.
    if (picture !== pods) return refreshAll()
    if (isSame(fresh, pods.get(uid))) return
    if (fresh) pods.set(uid, fresh)
    else pods.delete(uid)
    onChange([uid])
  }

  /** Whoever comes while one waits shares it. */
  const inTurn = (of: string, work: () => Promise<void>): Promise<void> => {
    const shared = waiting.get(of)
    if (shared) return shared
    const before = begun.get(of) ?? Promise.resolve()
    const mine: Promise<void> = before
      .catch(() => {})
      .then(() => {
        begun.set(of, mine)
        waiting.delete(of)
        return work()
      })
      .finally(() => {
        if (begun.get(of) === mine) begun.delete(of)
      })
    waiting.set(of, mine)
    return mine
  }

  const refreshAll = () => inTurn(everything, relist)

  const refresh: RuntimeView['refresh'] = uid => {
    const { listPod } = runtime
    // A relist that is under way or about to begin may not be overtaken: it would bring back what was before.
    if (uid === undefined || !listPod || begun.has(everything) || waiting.has(everything)) return refreshAll()
    return inTurn(uid, () => relistPod(uid, listPod))
  }

  return {
    get: uid => pods.get(uid) ?? emptyPodRuntime,
    podUids: () => pods.keys(),
    all: () => pods.entries(),
    refresh,
    get lastSuccessAt() {
      return lastSuccessAt
    },
    async run(signal) {
      let cancel = () => {}
      let failed = false
      let isLinked = false
      const tick = async () => {
        cancel()
        try {
          await refresh()
          failed = false
        } catch (err) {
          if (!failed && !signal.aborted) log.warn({ err }, 'relist failed')
          failed = true
        }
        if (!signal.aborted) schedule(failed || (isActive() && !isLinked) ? activeEveryMs : idleEveryMs)
      }
      const schedule = (ms: number) => {
        cancel()
        cancel = clock.after(ms, () => void tick())
      }
      const hints = new Set<string | undefined>()
      const lookAtHinted = async () => {
        const uids = [...hints]
        hints.clear()
        if (signal.aborted) return
        if (!runtime.listPod || uids.includes(undefined)) return tick()
        await Promise.all(uids.map(refresh)).catch(tick)
      }
      const onEvent = (podUid: string | undefined) => {
        if (signal.aborted) return
        if (podUid !== undefined && laterHints.has(podUid)) return
        if (podUid !== undefined && isBeingChanged(podUid)) {
          laterHints.set(
            podUid,
            clock.after(ownHintDelayInMs, () => lookSoon(podUid)),
          )
        } else lookSoon(podUid)
      }
      const lookSoon = (podUid: string | undefined) => {
        if (podUid !== undefined) forgetHint(podUid)
        if (hints.size === 0) clock.after(hintDelayInMs, () => void lookAtHinted())
        hints.add(podUid)
      }
      const onLink = (isUp: boolean) => {
        if (isLinked === isUp || signal.aborted) return
        isLinked = isUp
        // What happened before the link was up was not hinted at; while it is down, the clock has to do.
        onEvent(undefined)
      }
      schedule(activeEveryMs)
      await Promise.all([runtime.watchEvents(onEvent, onLink)(signal), aborted(signal)])
      cancel()
      for (const uid of laterHints.keys()) forgetHint(uid)
      await Promise.allSettled([begun.get(everything), waiting.get(everything)])
    },
  }
}

/** What has not run has no more to tell; and an engine that starts it just now answers no inspection until that is done. */
const hasRun = ({ state }: ContainerState) => state !== 'created'

/** Of a sandbox a list tells all but the address, if it is quick. */
const isWhole = ({ state, hostNetwork, ip }: Sandbox) => state !== 'ready' || hostNetwork === true || ip !== ''

/** Asks only about those of which nothing is known: a relist of many that stand still is to cost next to nothing. */
async function withDetails<T>(
  listed: readonly T[],
  known: (one: T) => T | undefined,
  ask: (one: T) => Promise<T | undefined>,
): Promise<T[]> {
  const details: T[] = []
  const asked: Promise<T | undefined>[] = []
  for (const one of listed) {
    const detail = known(one)
    if (detail) details.push(detail)
    else asked.push(ask(one))
  }
  // Those that have gone meanwhile answer nothing.
  for (const detail of await Promise.all(asked)) if (detail) details.push(detail)
  return details
}

/** What an inspection told stays true until the state changes, so each state is inspected once. */
function knownDetails(pods: ReadonlyMap<string, PodRuntime>) {
  const find = <T extends { id: string; state: string }>(own: readonly T[] | undefined, one: T) =>
    own?.find(known => known.id === one.id && known.state === one.state)
  return {
    sandbox: (one: Sandbox) => find(pods.get(one.pod.uid)?.sandboxes, one),
    container: (one: ContainerState) => find(pods.get(one.pod.uid)?.containers, one),
  }
}
