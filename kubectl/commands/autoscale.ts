import type { CallOptions } from '../../api/transport.ts'
import { withLastApplied } from '../apply/last-applied.ts'
import { metricOf, type ResourceMetric } from '../autoscale/metric-target.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { callOf } from '../objects.ts'
import { apiVersionOf } from '../resources.ts'
import { dryRunOf, resultPrinter, writeFlags } from '../result.ts'
import { eachTarget, fetchTarget, type Target } from '../targets.ts'

export const autoscale: Command = {
  name: 'autoscale',
  usage: 'autoscale (TYPE NAME | TYPE/NAME | -f FILE) --max=N [--min=N] [--cpu=AMOUNT] [--memory=AMOUNT] [flags]',
  summary: 'Makes an autoscaler, which keeps the number of pods in step with their load.',
  examples: ['wherry autoscale deployment web --min=2 --max=10', 'wherry autoscale deploy/web --max=5 --cpu=80% --memory=200Mi'],
  flags: {
    filename: { type: 'list', short: 'f', help: 'A file, folder or - that names the object', placeholder: 'FILE' },
    recursive: { type: 'bool', short: 'R', help: 'Folders below the folder too' },
    ...writeFlags,
    min: { type: 'int', help: 'The fewest pods' },
    max: { type: 'int', help: 'The most pods' },
    cpu: { type: 'string', help: 'What pods should use: 70% of the CPU that they ask for, or 500m each', placeholder: 'AMOUNT' },
    memory: {
      type: 'string',
      help: 'What pods should use: 70% of the memory that they ask for, or 200Mi each',
      placeholder: 'AMOUNT',
    },
    'cpu-percent': { type: 'int', help: 'How much of the CPU that they ask for pods should use' },
    name: { type: 'string', help: "The autoscaler's name, if not the object's" },
    'save-config': { type: 'bool', help: 'Note what it was made from, for a later apply' },
    'field-manager': { type: 'string', help: 'In whose name fields are set' },
  },
  async run(context) {
    const [min, max] = [flag.number(context, 'min') ?? -1, flag.number(context, 'max')]
    if (max === undefined) throw new Error('required flag(s) "max" not set')
    if (max < 1) throw new Error(`--max=MAXPODS is required and must be at least 1, max: ${max}`)
    if (max < min) throw new Error(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`)
    const percent = flag.number(context, 'cpu-percent') ?? -1
    if (percent > 0 && flag.text(context, 'cpu')) throw new Error('--cpu-percent and --cpu are mutually exclusive')
    const metrics = metricsOf(context)
    const dryRun = dryRunOf(context)
    const say = resultPrinter(context)
    const options: CallOptions = {
      fieldManager: flag.text(context, 'field-manager') ?? 'kubectl-autoscale',
      ...(dryRun === 'server' && { dryRun: true }),
    }
    const { code } = await eachTarget(context, { doing: 'autoscaling' }, async (target, session) => {
      const { resource: scaled, namespace } = target
      await fetchTarget(session, target)
      if (!scaled.subresources.includes('scale')) {
        const where = `${apiVersionOf(scaled)}, Resource=${scaled.resource}`
        throw new Error(
          `cannot autoscale a ${scaled.kind}: could not find scale subresource for ${scaled.group ? '' : '/'}${where} in discovery information`,
        )
      }
      const made = autoscalerOf(context, target, { min, max, percent, metrics })
      const resource = (await session.resources()).ofKind(made.apiVersion, made.kind)
      const body = flag.on(context, 'save-config') ? withLastApplied(made) : made
      if (dryRun === 'client') return say({ resource, name: made.metadata.name }, 'created', made)
      const created = await session.transport.call(callOf('create', resource, { namespace }, { body, options }))
      await say({ resource, name: made.metadata.name }, 'autoscaled', created)
    })
    return code
  },
}

/** What `--cpu` and `--memory` ask for. */
function metricsOf(context: CommandContext): readonly ResourceMetric[] {
  return (['cpu', 'memory'] as const).flatMap(name => {
    const text = flag.text(context, name)
    return text ? [metricOf(name, text)] : []
  })
}

interface Wanted {
  readonly min: number
  readonly max: number
  /** Negative: nobody said. */
  readonly percent: number
  readonly metrics: readonly ResourceMetric[]
}

/** In the older version, as kubectl made them for long, unless only the newer can say it. */
function autoscalerOf(context: CommandContext, { resource, name }: Target, { min, max, percent, metrics }: Wanted) {
  const isNew = metrics.length > 0
  const ofPercent = percent > 0 ? [metricOf('cpu', `${percent}%`)] : []
  return {
    apiVersion: isNew ? 'autoscaling/v2' : 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: flag.text(context, 'name') || name },
    spec: {
      maxReplicas: max,
      ...(min > 0 && { minReplicas: min }),
      scaleTargetRef: { apiVersion: apiVersionOf(resource), kind: resource.kind, name },
      ...(isNew && { metrics: [...ofPercent, ...metrics] }),
      ...(!isNew && percent >= 0 && { targetCPUUtilizationPercentage: percent }),
    },
  }
}
