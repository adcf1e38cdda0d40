import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Growth, growth } from './growth.ts'
import { growthPlot, png, timeline } from './plot.ts'
import { type Figure, meetsGoal, table } from './report.ts'
import { idleDeployments, playScale, type ScaleStory } from './scale.ts'

/** `scale-main [--out FOLDER] [--nodes 100,1000,5000] [--pods N]`: plays the story at each size, and pictures it. */
async function main(args: readonly string[]): Promise<number> {
  const flag = (name: string, otherwise: string) => args[args.indexOf(`--${name}`) + 1 || args.length] ?? otherwise
  const folder = flag('out', join('bench', 'results'))
  const sizes = flag('nodes', '100,1000,5000').split(',').map(Number)
  const pods = Number(flag('pods', '10000'))
  const stories: ScaleStory[] = []
  const shared: ScaleStory[] = []
  for (const nodes of sizes) {
    process.stderr.write(`${pods} pods on ${nodes} nodes ...\n`)
    stories.push(await playScale({ nodes, pods }))
    process.stderr.write('the same with another client ...\n')
    shared.push(await playScale({ nodes, pods, isShared: true }))
  }
  const largest = stories.at(-1)
  if (!largest) return 1
  process.stderr.write('fewer pods ...\n')
  const fewer = []
  for (const part of [10, 2.5]) fewer.push(await playScale({ nodes: largest.nodes, pods: pods / part }))
  process.stderr.write('a thousand Deployments at rest ...\n')
  const idle = await idleDeployments(1000)

  const byNodes = growths(stories, ({ nodes }) => nodes)
  const byPods = growths([...fewer, largest], story => story.pods)
  await mkdir(folder, { recursive: true })
  const pictures = {
    timeline: timeline(largest),
    'growth-nodes': growthPlot('nodes', byNodes),
    'growth-pods': growthPlot('pods', byPods),
  }
  for (const [name, picture] of Object.entries(pictures)) {
    await writeFile(join(folder, `scale-${name}.svg`), picture)
    await writeFile(join(folder, `scale-${name}.png`), await png(picture))
  }
  const figures = [
    ...stories.flatMap((story, i) => figuresOf(story, shared[i])),
    {
      name: '1,000 idle Deployments',
      value: (idle.withThem - idle.without) * 100,
      unit: '% of a core',
      goal: { atMost: 1 },
      remark: `without them ${(idle.without * 100).toFixed(2)} %`,
    },
  ]
  process.stdout.write(`${table(figures)}\n\n`)
  for (const [unit, all] of [['nodes', byNodes] as const, ['pods', byPods] as const])
    for (const { name, exponent } of all) process.stdout.write(`${name} grows with ${unit}^${exponent.toFixed(2)}\n`)
  process.stdout.write(`\npictures in ${folder}\n`)
  return figures.some(figure => meetsGoal(figure) === false) ? 1 : 0
}

const goals: Readonly<Record<string, Figure['goal']>> = {
  'apply to all running': { atMost: 10 },
  'namespace deleted': { atMost: 10 },
}

/** Of one size: what it took alone, and what another client saw, for whom the server took its time. */
function figuresOf({ nodes, pods, phases }: ScaleStory, shared: ScaleStory | undefined): Figure[] {
  return phases.flatMap(({ name, tookInS, cpuInS, peakMegabytes }) => {
    const withOther = shared?.phases.find(phase => phase.name === name)
    const seen = withOther?.seen
    const where = `${nodes} nodes, ${pods} pods`
    const remark = `${where}; ${cpuInS.toFixed(1)} s of processor time, at most ${peakMegabytes.toFixed(0)} MB`
    const goal = goals[name]
    const alone = { name, value: tookInS, unit: 's', ...(goal && { goal }), remark }
    if (!withOther || !seen) return [alone]
    const others = `${where}; longest ${seen.longestInMs.toFixed(0)} ms; it took ${withOther.tookInS.toFixed(1)} s then`
    return [
      alone,
      { name: `  GET p99 meanwhile`, value: seen.getP99InMs, unit: 'ms', goal: { atMost: 50 }, remark: others },
      { name: `  create p99 meanwhile`, value: seen.createP99InMs, unit: 'ms', goal: { atMost: 50 }, remark: others },
    ]
  })
}

function growths(stories: readonly ScaleStory[], size: (story: ScaleStory) => number): Growth[] {
  const names = stories[0]?.phases.map(({ name }) => name) ?? []
  const points = (figure: (story: ScaleStory) => number) => stories.map(story => [size(story), figure(story)] as const)
  const phaseOf = ({ phases }: ScaleStory, name: string) => phases.find(phase => phase.name === name)
  return [
    ...names.map(name =>
      growth(
        name,
        's of processor time',
        points(story => phaseOf(story, name)?.cpuInS ?? 0),
      ),
    ),
    growth(
      'memory',
      'MB at most',
      points(({ phases }) => Math.max(...phases.map(({ peakMegabytes }) => peakMegabytes))),
    ),
  ]
}

process.exit(await main(process.argv.slice(2)))
