import { type Command, type CommandContext, flag } from '../command.ts'
import { callOf, selectionFlags } from '../objects.ts'
import { qualifiedName } from '../resources.ts'
import { dryRunOf, resultPrinter, writeFlags } from '../result.ts'
import type { Session } from '../session.ts'
import { eachTarget, type Target } from '../targets.ts'

interface Scale {
  readonly metadata: { readonly resourceVersion: string }
  readonly spec: { readonly replicas?: number }
}

export const scale: Command = {
  name: 'scale',
  usage: 'scale --replicas=N (TYPE NAME... | TYPE/NAME... | -f FILE) [flags]',
  summary: 'Changes how many pods a deployment or replica set keeps.',
  examples: ['wherry scale deploy/web --replicas=3', 'wherry scale deploy web --current-replicas=3 --replicas=5'],
  flags: {
    ...selectionFlags,
    ...writeFlags,
    replicas: { type: 'int', help: 'How many there shall be' },
    'current-replicas': { type: 'int', help: 'Only if there are so many now' },
    'resource-version': { type: 'string', help: 'Only if the object is at this version' },
    timeout: { type: 'string', help: 'How long to wait', hidden: true },
  },
  async run(context) {
    const replicas = flag.number(context, 'replicas')
    if (replicas === undefined) throw new Error('required flag(s) "replicas" not set')
    if (replicas < 0) throw new Error('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0')
    const say = resultPrinter(context)
    const { code } = await eachTarget(context, { doing: 'scaling' }, async (target, session) => {
      await say(target, 'scaled', await scaleOne(context, session, target, replicas))
    })
    return code
  },
}

async function scaleOne(context: CommandContext, session: Session, target: Target, replicas: number): Promise<unknown> {
  const { resource, namespace, name } = target
  if (!resource.subresources.includes('scale')) throw new Error(`${qualifiedName(resource)} cannot be scaled`)
  const place = { namespace, name, subresource: 'scale' }
  const expected = flag.number(context, 'current-replicas') ?? -1
  const version = flag.text(context, 'resource-version')
  const dryRun = dryRunOf(context)
  const options = dryRun === 'server' ? { dryRun: true } : {}
  const current = (await session.transport.call(callOf('get', resource, place))) as Scale
  if (expected >= 0 && current.spec.replicas !== expected) {
    throw new Error(`Expected replicas to be ${expected}, was ${current.spec.replicas}`)
  }
  if (dryRun === 'client') return { ...current, spec: { ...current.spec, replicas } }
  // A condition holds only for the version that it was checked on.
  const isConditional = expected >= 0 || version !== undefined
  const metadata = { resourceVersion: version ?? current.metadata.resourceVersion }
  const body = { spec: { replicas }, ...(isConditional && { metadata }) }
  return session.transport.call(callOf('patch', resource, place, { body, patchType: 'merge', options }))
}
