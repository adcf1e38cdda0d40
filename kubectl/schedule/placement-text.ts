import type { PlacementVerdict } from '../../api/placement/placement-verdict.ts'
import type { Colours } from '../print/colour.ts'
import { align } from '../print/table.ts'
import { verdictText } from '../why/story.ts'

/** Where a pod would go and what speaks for it, or why no node takes it and what would help. */
export function placementText(title: string, verdict: PlacementVerdict, colours: Colours): string {
  return verdict.nodeName === undefined ? refusedText(title, verdict, colours) : placedText(title, verdict, colours)
}

function placedText(title: string, { nodeName, totalNodes, feasible, ...choice }: PlacementVerdict, colours: Colours): string {
  const head = `${colours.bold(title)} would go to ${colours.green(nodeName ?? '')}\n`
  const summary = feasible === 1 ? '  the only node found that takes it' : `  the best of ${feasible} nodes that take it`
  return `${head}${summary}, of ${totalNodes}\n${choiceText(choice)}`
}

/** The best nodes with what each plugin gave them, and those that were out of the question. */
export function choiceText({ ranked, plugins, nodes }: Pick<PlacementVerdict, 'ranked' | 'plugins' | 'nodes'>): string {
  const rows = ranked.map((one, place) => [
    `  ${place === 0 ? 'best' : place === 1 ? 'runner-up' : 'next'}`,
    one.nodeName,
    String(one.score),
    one.points ? plugins.map((plugin, i) => `${plugin} ${one.points?.[i] ?? 0}`).join(', ') : '',
  ])
  return `${rows.length > 0 ? align(rows) : ''}${groupLines(nodes)}`
}

/** The nodes that are out of the question, in one line per reason. */
function groupLines(nodes: PlacementVerdict['nodes']): string {
  if (nodes.length === 0) return ''
  const rows = nodes.map(({ count, nodes: names, reason, plugin }) => [
    `  not ${count === 1 ? '1 node' : `${count} nodes`}`,
    reason,
    plugin,
    `${names.join(', ')}${count > names.length ? ', ...' : ''}`,
  ])
  return align(rows)
}

function refusedText(title: string, { text, nodes, fits, preemption }: PlacementVerdict, colours: Colours): string {
  const head = `${colours.bold(title)} would get no node: ${text}\n`
  const why = verdictText({ text, nodes, fits, ...(preemption && { preemption }) }, { colours })
  return `${head}${nodes.length > 0 || fits.length > 0 ? why : ''}`
}
