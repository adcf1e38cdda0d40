import type { Pod } from '../../api/core/pod.ts'
import type { PlacementVerdict } from '../../api/placement/placement-verdict.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { callOf } from '../objects.ts'
import { coloursFor } from '../print/colour.ts'
import { placementText } from '../schedule/placement-text.ts'
import { podsOfManifest } from '../schedule/pods-of-manifest.ts'
import { displayName } from '../selection.ts'
import type { Session } from '../session.ts'
import { eachTarget, type Target } from '../targets.ts'
import { manifestOf } from './apply.ts'

export const schedule: Command = {
  name: 'schedule',
  usage: 'schedule --explain -f FILE [flags]',
  summary: 'Tells which node the pods of a file would get and why, or why none; creates nothing.',
  examples: ['wherry schedule --explain -f pod.yaml', 'wherry schedule --explain -f deployment.yaml -o json'],
  flags: {
    explain: { type: 'bool', help: 'Only ask: the usual scheduler with its usual settings, over what the cluster has now' },
    filename: { type: 'list', short: 'f', help: 'A file, folder, URL or - for standard input', placeholder: 'FILE' },
    recursive: { type: 'bool', short: 'R', help: 'Folders below the folder too' },
    output: { type: 'string', short: 'o', help: 'json' },
  },
  async run(context) {
    const { io } = context
    const output = flag.text(context, 'output')
    if (output !== undefined && output !== 'json') throw new Error(`--output must be 'json', not "${output}"`)
    if (!flag.on(context, 'explain'))
      throw new Error('pods are scheduled by the cluster; to ask where they would go, add --explain')
    if (flag.list(context, 'filename').length === 0) throw new Error('must specify -f: the file with the pods')
    if (!io.whatIf) throw new Error('there is no scheduler in this program to ask')
    const wanted: { readonly title: string; readonly pod: Pod }[] = []
    const { code } = await eachTarget(context, { doing: 'asking about' }, async (target, session) => {
      for (const pod of await rehearsed(target, session)) wanted.push({ title: titleOf(target, pod), pod })
    })
    if (wanted.length === 0) return code || nothingToPlace(context)
    const { transport } = await context.session()
    const verdicts = await io.whatIf(
      transport,
      wanted.map(({ pod }) => pod),
    )
    const answers = wanted.flatMap(({ title }, i) => (verdicts[i] ? [{ title, verdict: verdicts[i] }] : []))
    if (output === 'json')
      io.out(`${JSON.stringify({ items: answers.map(({ title, verdict }) => ({ pod: title, ...verdict })) }, undefined, 2)}\n`)
    else await tell(context, answers)
    return code
  },
}

function nothingToPlace({ io }: CommandContext): number {
  io.err('error: there are no pods in it, and nothing that makes pods\n')
  return 1
}

/** The pods as the server would make them, with all that admission and defaults add; a dry run, so nothing comes to be. */
async function rehearsed(target: Target, session: Session): Promise<Pod[]> {
  const wanted = podsOfManifest(manifestOf(target))
  if (!wanted || wanted.count === 0) return []
  const pods = (await session.resources()).named('pods')
  const call = callOf('create', pods, { namespace: target.namespace }, { body: wanted.pod, options: { dryRun: true } })
  const made = (await session.transport.call(call)) as unknown as Pod
  return Array.from({ length: wanted.count }, (_, i) => ({ ...made, metadata: { ...made.metadata, uid: `${target.name}/${i}` } }))
}

function titleOf({ resource, name }: Target, { metadata }: Pod): string {
  const own = displayName(resource, name)
  return resource.kind === 'Pod' ? own : `${own} #${Number(metadata.uid.split('/').at(-1)) + 1}`
}

/** Neighbours to which the same happens are told of once. */
async function tell({ io }: CommandContext, answers: readonly { title: string; verdict: PlacementVerdict }[]): Promise<void> {
  const colours = await coloursFor(io)
  for (let i = 0; i < answers.length; i++) {
    const { title, verdict } = answers[i] as (typeof answers)[number]
    io.out(`${i > 0 ? '\n' : ''}${placementText(title, verdict, colours)}`)
    if (verdict.nodeName !== undefined || verdict.preemption) continue
    let last = i
    while (answers[last + 1]?.verdict.text === verdict.text) last++
    if (last > i) io.out(`and the same for the next ${last - i}\n`)
    i = last
  }
}
