import type { Pod } from '../../api/core/pod.ts'
import { humanDuration } from '../../api/duration.ts'
import type { JournalEntry } from '../../api/journal.ts'
import type { Colours } from '../print/colour.ts'
import { align } from '../print/table.ts'
import { actorOf, type ToldStep, toldSteps, type Verdict, type WhyStep } from './steps.ts'

export interface StoryOptions {
  readonly colours: Colours
  /** `deployment.apps/web`: how an object is called. */
  readonly nameOf: (entry: Pick<JournalEntry, 'group' | 'resource' | 'name'>) => string
}

/** The chain of writes, one line each: when, who, what, at which revision, by which rule. */
export function storyText(steps: readonly WhyStep[], options: StoryOptions): string {
  const told = toldSteps(steps)
  const widest = Math.max(0, ...told.map(({ step }) => elapsed(step).length))
  return told.map(each => stepLines(each, widest, options)).join('')
}

/** Up to ten seconds to the millisecond, up to two minutes to a tenth of a second. */
function elapsed({ elapsedInMs: ms }: WhyStep): string {
  if (ms < 10_000) return `${ms} ms`
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : humanDuration(ms)
}

const actions: Readonly<Record<string, string>> = {
  create: 'creates',
  update: 'updates',
  patch: 'patches',
  delete: 'deletes',
  deletecollection: 'deletes',
}

/** What a write to a subresource does, where it has a name of its own. */
const actionsOn: Readonly<Record<string, string>> = { binding: 'binds', eviction: 'evicts', scale: 'scales' }

function stepLines({ step, level, omitted }: ToldStep, widest: number, { colours, nameOf }: StoryOptions): string {
  const { verb, subresource, revision, cause } = step
  const note = cause?.note
  const arrow = level === 0 ? '' : `${'   '.repeat(level - 1)}└─ `
  const subaction = actionsOn[subresource ?? '']
  const target = `${nameOf(step)}${subresource && !subaction ? ` (${subresource})` : ''}`
  const why = note ? `  ${colours.yellow(note.rule)}: ${note.text}` : ''
  const what = `${colours.cyan(actorOf(step))} ${subaction ?? actions[verb] ?? verb} ${colours.bold(target)}`
  const margin = elapsed(step).padStart(widest)
  const first = `${colours.dim(margin)}  ${arrow}${what} ${colours.dim(`@${revision}`)}${why}\n`
  if (omitted === 0) return first
  return `${first}${' '.repeat(widest + 2 + arrow.length)}${colours.dim(`... ${omitted} more of these`)}\n`
}

/** Why no node takes a pod, group by group, and what would help. */
export function verdictText({ text, nodes, fits, preemption }: Verdict, { colours }: Pick<StoryOptions, 'colours'>): string {
  const rows = nodes.map(({ count, nodes: names, reason, plugin }) => [
    `  ${count} ${count === 1 ? 'node' : 'nodes'}`,
    reason,
    plugin,
    `${names.join(', ')}${count > names.length ? ', ...' : ''}`,
  ])
  const refused = rows.length > 0 ? align(rows) : `  ${text}\n`
  const help = fits.map(fit => `  ${colours.green(fit)}\n`).join('')
  const fitting = help && `${colours.bold('It would fit with one of these:')}\n${help}`
  const { node, victims = [] } = preemption ?? {}
  const leaving = victims.map(victim => `  ${victim}\n`).join('')
  const room = leaving && `${colours.bold(`Preemption makes room on ${node}; these have to leave it:`)}\n${leaving}`
  return `${colours.bold('No node takes it:')}\n${refused}${fitting}${room}`
}

/** How a pod that is over has ended, with the containers that failed. */
export function endingText({ status }: Pod): string {
  const { phase, reason, message } = status
  const outcome = `It is ${phase}${reason ? ` (${reason})` : ''}${message ? `: ${message.trim()}` : '.'}\n`
  if (phase !== 'Failed') return outcome
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  const faults = statuses.flatMap(({ name, state: { terminated } }) => {
    if (!terminated || terminated.exitCode === 0) return []
    const why = terminated.reason && terminated.reason !== 'Error' ? ` (${terminated.reason})` : ''
    const lastWords = terminated.message ? `: ${terminated.message.trim()}` : ''
    return [`  container ${name} ended with exit code ${terminated.exitCode}${why}${lastWords}\n`]
  })
  return `${outcome}${faults.join('')}`
}
