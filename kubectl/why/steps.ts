import type { JournalEntry } from '../../api/journal.ts'
import type { PlacementVerdict } from '../../api/placement/placement-verdict.ts'

/** A step of `/wherry/v1/why`: a write, when it was after the first one, and which of the steps led to it. */
export interface WhyStep extends JournalEntry {
  readonly elapsedInMs: number
  /** A revision. */
  readonly because?: number
}

/** A step as it is told. */
export interface ToldStep {
  readonly step: WhyStep
  /** How many objects further than the first step: a write to another object is one level deeper than what led to it. */
  readonly level: number
  /** How many steps of the same sort follow that are left out. */
  readonly omitted: number
}

const sameObject = (a: JournalEntry, b: JournalEntry) =>
  a.group === b.group && a.resource === b.resource && a.namespace === b.namespace && a.name === b.name

/** Of a run of steps that differ in nothing worth telling, the first and the last are kept. */
const isRepetition = (a: WhyStep, b: WhyStep) =>
  sameObject(a, b) &&
  actorOf(a) === actorOf(b) &&
  a.verb === b.verb &&
  a.subresource === b.subresource &&
  a.cause?.note?.rule === b.cause?.note?.rule

/** Who wrote: the component, or the user where none gave its name. */
export const actorOf = ({ cause, user }: JournalEntry) => cause?.actor ?? user

/** Puts steps, the oldest first, into the shape in which they are told. */
export function toldSteps(steps: readonly WhyStep[]): ToldStep[] {
  const levels = new Map<number, number>()
  const told: ToldStep[] = []
  const levelOf = (step: WhyStep): number => {
    const parent = step.because === undefined ? undefined : steps.find(({ revision }) => revision === step.because)
    if (parent) return (levels.get(parent.revision) ?? 0) + (sameObject(parent, step) ? 0 : 1)
    const earlier = steps.find(other => other.revision < step.revision && sameObject(other, step))
    return earlier ? (levels.get(earlier.revision) ?? 0) : 0
  }
  for (const step of steps) levels.set(step.revision, levelOf(step))
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as WhyStep
    let end = i
    while (end + 1 < steps.length && isRepetition(step, steps[end + 1] as WhyStep)) end++
    const omitted = Math.max(0, end - i - 1)
    told.push({ step, level: levels.get(step.revision) ?? 0, omitted })
    if (omitted > 0) i = end - 1
  }
  return told
}

/** What the scheduler said when it found no node. */
export type Verdict = Pick<PlacementVerdict, 'text' | 'nodes' | 'fits' | 'preemption'>

/** What spoke for the node that a pod has, when there was a choice. */
export function placementOf(steps: readonly WhyStep[]): Placement | undefined {
  const { data } = steps.findLast(({ subresource }) => subresource === 'binding')?.cause?.note ?? {}
  const { scores = [], plugins = [], rejected = [] } = (data ?? {}) as BindData
  return scores.length > 0 ? { ranked: scores, plugins, nodes: rejected } : undefined
}

export type Placement = Pick<PlacementVerdict, 'ranked' | 'plugins' | 'nodes'>

interface BindData extends Partial<Pick<PlacementVerdict, 'plugins'>> {
  readonly scores?: Placement['ranked']
  readonly rejected?: Placement['nodes']
}

/** The scheduler's last word on why a pod has no node; undefined when it never said so, or has found one since. */
export function lastVerdict(steps: readonly WhyStep[]): Verdict | undefined {
  const at = steps.findLastIndex(({ cause }) => cause?.note?.rule === 'scheduler/unschedulable')
  if (at < 0 || steps.slice(at).some(({ subresource }) => subresource === 'binding')) return undefined
  const note = steps[at]?.cause?.note
  const { nodes = [], fits = [], preemption } = (note?.data ?? {}) as Partial<Verdict>
  return { text: note?.text ?? '', nodes, fits, ...(preemption && { preemption }) }
}
