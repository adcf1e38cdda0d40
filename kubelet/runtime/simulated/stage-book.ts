import type { Stage, StageEvent, StageList } from '../../../api/simulation/stages.ts'
import { seededRandom } from '../../../lib/random.ts'
import type { ContainerConfig, PodIdentity } from '../runtime.ts'

/** Whom a stage may be for. */
export interface Subject {
  readonly node: string
  readonly nodeLabels: () => Readonly<Record<string, string>>
  readonly pod?: PodIdentity
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly container?: string
  readonly image?: string
  readonly role?: ContainerConfig['role']
}

/** A stage whose turn it is. */
export interface Turn {
  readonly stage: Stage
  /** How long it takes until what it says happens. */
  readonly delayInMs: number
}

/** The stages that are for one subject. */
export interface Play {
  /** The first stage for the event whose turn it is, which counts as played. */
  next(event: StageEvent, isMeant?: (stage: Stage) => boolean): Turn | undefined
  /** Shows all of them, in order, to a visitor, who takes the turns that he wants. */
  each(event: StageEvent, visit: (stage: Stage, take: () => Turn | undefined) => void): void
}

/** All stages of an engine: whose they are, and how often they have been played. */
export interface StageBook {
  /** What is there for it; `undefined`: nothing. Asked once for each pod and container. */
  playFor(subject: Subject, own?: readonly Stage[]): Play | undefined
  /** Stages for nodes whose time is now. */
  ofNode(subject: Subject): readonly Stage[]
  /** Whether any of these stages may ever be for this node, by its name; those that pods carry themselves are not known. */
  concerns(node: string, isMeant: (stage: Stage) => boolean): boolean
  /** When the next of these begins or ends, in milliseconds from now; `undefined`: never. */
  nextEdgeInMs(node: string, isMeant: (stage: Stage) => boolean): number | undefined
  /** A pod is gone: what it has played is forgotten. */
  forget(podUid: string): void
}

interface Compiled {
  readonly stage: Stage
  readonly mark: string
  readonly isFor: (subject: Subject) => boolean
  readonly isForNode: (name: string) => boolean
  readonly counts: Map<string, Map<string, { seen: number; played: number }>>
}

interface Options {
  readonly list: StageList
  readonly seed: number
  /** Milliseconds since the engine began. */
  readonly time: () => number
}

/** Compiles selectors once. Chance is drawn from the seed, the stage, the name of the subject and how often it was there: never from the order of things. */
export function stageBook({ list, seed, time }: Options): StageBook {
  const compiled = list.stages.map((stage, i) => compile(stage, `#${i}`))
  const nodeStages = compiled.filter(({ stage }) => stage.on === 'node')
  const others = compiled.filter(({ stage }) => stage.on !== 'node')
  /** Those that pods carry themselves: as many as there are different ones, not as there are pods. */
  const carried = new WeakMap<readonly Stage[], Compiled[]>()
  const counting = new Set<Compiled>()
  const carriedBy = (own: readonly Stage[]) => {
    let found = carried.get(own)
    if (!found) carried.set(own, (found = own.map((stage, i) => compile(stage, `own#${i}`))))
    return found
  }

  const turnOf = (one: Compiled, subject: Subject): Turn | undefined => {
    const { stage, mark } = one
    if (!isNow(stage, time())) return undefined
    const name = nameOf(subject)
    const counts = one.counts.get(subject.pod?.uid ?? '') ?? new Map<string, { seen: number; played: number }>()
    const key = subject.pod ? (subject.container ?? '') : name
    const count = counts.get(key) ?? { seen: 0, played: 0 }
    const draw = (what: string) => seededRandom(hash(`${seed}/${mark}/${name}/${count.seen}/${what}`)).next()
    const isTurn =
      count.seen >= (stage.skip ?? 0) &&
      count.played < (stage.times ?? Number.POSITIVE_INFINITY) &&
      (stage.chance === undefined || draw('chance') < stage.chance)
    const delayInMs = (stage.after ?? 0) + (stage.jitter ? Math.round(draw('jitter') * stage.jitter) : 0)
    if (stage.skip !== undefined || stage.times !== undefined || stage.chance !== undefined || stage.jitter !== undefined) {
      count.seen += 1
      if (isTurn) count.played += 1
      counts.set(key, count)
      one.counts.set(subject.pod?.uid ?? '', counts)
      counting.add(one)
    }
    return isTurn ? { stage, delayInMs } : undefined
  }

  return {
    playFor(subject, own) {
      const mine = [...(own ? carriedBy(own) : []), ...others].filter(one => one.isFor(subject))
      if (mine.length === 0) return undefined
      return {
        next(event, isMeant = () => true) {
          for (const one of mine) {
            if (one.stage.on !== event || !isMeant(one.stage)) continue
            const turn = turnOf(one, subject)
            if (turn) return turn
          }
          return undefined
        },
        each(event, visit) {
          for (const one of mine) if (one.stage.on === event) visit(one.stage, () => turnOf(one, subject))
        },
      }
    },
    ofNode: subject =>
      nodeStages.length === 0
        ? none
        : nodeStages.filter(one => isNow(one.stage, time()) && one.isFor(subject)).map(({ stage }) => stage),
    concerns: (node, isMeant) => compiled.some(one => isMeant(one.stage) && one.isForNode(node)),
    nextEdgeInMs(node, isMeant) {
      const now = time()
      const edges = nodeStages.flatMap(one => (isMeant(one.stage) && one.isForNode(node) ? edgesAfter(one.stage, now) : []))
      return edges.length === 0 ? undefined : Math.min(...edges) - now
    },
    forget(podUid) {
      for (const one of counting) one.counts.delete(podUid)
    },
  }
}

const none: readonly Stage[] = []

function compile(stage: Stage, mark: string): Compiled {
  const { pods = {}, nodes = {} } = stage
  const isForNode = glob(nodes.name)
  const tests: ((subject: Subject) => boolean)[] = []
  const test = (pattern: string | undefined, read: (subject: Subject) => string | undefined) => {
    if (pattern === undefined || pattern === '*') return
    const fits = glob(pattern)
    tests.push(subject => fits(read(subject) ?? ''))
  }
  const testAll = (
    patterns: Readonly<Record<string, string>> | undefined,
    read: (subject: Subject) => Readonly<Record<string, string>> | undefined,
  ) => {
    for (const [key, pattern] of Object.entries(patterns ?? {})) {
      const fits = glob(pattern)
      tests.push(subject => {
        const found = read(subject)?.[key]
        return found !== undefined && fits(found)
      })
    }
  }
  test(nodes.name, subject => subject.node)
  test(pods.namespace, subject => subject.pod?.namespace)
  test(pods.name, subject => subject.pod?.name)
  test(pods.container, subject => subject.container)
  test(pods.image, subject => subject.image)
  test(pods.role, subject => subject.role)
  testAll(pods.labels, subject => subject.labels)
  testAll(pods.annotations, subject => subject.annotations)
  testAll(nodes.labels, subject => subject.nodeLabels())
  const isOfPods = stage.on !== 'pull' && stage.on !== 'node'
  const isOfContainers = isOfPods && stage.on !== 'sandbox'
  const isFor = (subject: Subject) =>
    (subject.pod !== undefined) === isOfPods &&
    (subject.container !== undefined) === isOfContainers &&
    tests.every(fits => fits(subject))
  return { stage, mark, isFor, isForNode, counts: new Map() }
}

/** `*` stands for anything, also for nothing. */
export function glob(pattern: string | undefined): (text: string) => boolean {
  if (pattern === undefined || pattern === '*') return () => true
  if (!pattern.includes('*')) return text => text === pattern
  const expression = new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 's')
  return text => expression.test(text)
}

const escaped = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')

function nameOf({ node, pod, container, image }: Subject): string {
  return pod ? `${pod.namespace}/${pod.name}/${container ?? ''}` : `${node}/${image ?? ''}`
}

/** Whether it is within the time of a stage, which may come again. */
export function isNow({ from = 0, until = Number.POSITIVE_INFINITY, every }: Stage, time: number): boolean {
  const at = every === undefined ? time : time % every
  return at >= from && at < until
}

function edgesAfter({ from = 0, until, every }: Stage, now: number): number[] {
  const begun = every === undefined ? 0 : Math.floor(now / every) * every
  const edges = [from, ...(until === undefined ? [] : [until])].map(edge => begun + edge)
  const later = every === undefined ? edges : [...edges, ...edges.map(edge => edge + every)]
  return later.filter(edge => edge > now)
}

/** FNV-1a. */
function hash(text: string): number {
  let result = 0x811c9dc5
  for (let i = 0; i < text.length; i++) result = Math.imul(result ^ text.charCodeAt(i), 0x01000193)
  return result >>> 0
}
