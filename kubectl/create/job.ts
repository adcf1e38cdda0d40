import type { KubeObject } from '../../api/transport.ts'
import { type CommandContext, flag } from '../command.ts'
import { callOf } from '../objects.ts'
import { selectOne } from '../selection.ts'
import type { Generator } from './generator.ts'

const apiVersion = 'batch/v1'
const restarts = ['OnFailure', 'Never']

function podTemplate(context: CommandContext, name: string, restartPolicy: string) {
  const command = context.afterDash ?? []
  const container = { name, image: flag.list(context, 'image').at(-1), ...(command.length > 0 && { command }) }
  return { spec: { containers: [container], restartPolicy } }
}

export const job: Generator = {
  name: 'job',
  usage: 'job NAME (--image=IMAGE [-- COMMAND ARGS...] | --from=cronjob/NAME)',
  flags: {
    image: { type: 'list', help: 'The image of its container' },
    from: { type: 'string', help: 'The cron job whose job to run now: cronjob/NAME' },
  },
  async make(context, name) {
    const from = flag.text(context, 'from')
    if (flag.list(context, 'image').length > 0 === Boolean(from)) throw new Error('either --image or --from must be specified')
    if (!from) {
      return { apiVersion, kind: 'Job', metadata: { name }, spec: { template: podTemplate(context, name, 'Never') } }
    }
    if (context.afterDash?.length) throw new Error('cannot specify --from and command')
    return fromCronJob(await cronJobNamed(context, from), name)
  },
}

type CronJob = KubeObject & {
  readonly spec: { readonly jobTemplate: { readonly metadata?: Partial<KubeObject['metadata']>; readonly spec: object } }
}

async function cronJobNamed(context: CommandContext, text: string): Promise<CronJob> {
  const session = await context.session()
  const { resource, name } = selectOne([text], await session.resources())
  const object = await session.transport.call(callOf('get', resource, { namespace: session.namespace, name }))
  if (resource.kind !== 'CronJob') throw new Error(`a job is made from a cron job, and ${text} is a ${resource.kind}`)
  return object as CronJob
}

/** The job that a cron job would make when its time comes, made by hand. */
function fromCronJob({ metadata, spec }: CronJob, name: string) {
  const { labels, annotations } = spec.jobTemplate.metadata ?? {}
  // Without blockOwnerDeletion, which not everybody may set who may create jobs.
  const owner = { apiVersion, kind: 'CronJob', name: metadata.name, uid: metadata.uid, controller: true }
  return {
    apiVersion,
    kind: 'Job',
    metadata: {
      name,
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual', ...annotations },
      ...(labels && { labels }),
      ownerReferences: [owner],
    },
    spec: spec.jobTemplate.spec,
  }
}

export const cronJob: Generator = {
  name: 'cronjob',
  aliases: ['cj'],
  usage: "cronjob NAME --image=IMAGE --schedule='0/5 * * * ?' [--restart=OnFailure|Never] [-- COMMAND ARGS...]",
  flags: {
    image: { type: 'list', help: 'The image of its container' },
    schedule: { type: 'string', help: "When it runs, as cron has it: '0 3 * * *'" },
    restart: { type: 'string', help: `${restarts.join(' or ')}: what happens when it fails`, placeholder: 'OnFailure' },
  },
  make(context, name) {
    const schedule = flag.text(context, 'schedule')
    const missing = [...(flag.list(context, 'image').length > 0 ? [] : ['image']), ...(schedule ? [] : ['schedule'])]
    if (missing.length > 0) throw new Error(`required flag(s) ${missing.map(each => `"${each}"`).join(', ')} not set`)
    const template = podTemplate(context, name, flag.text(context, 'restart') ?? 'OnFailure')
    const jobTemplate = { metadata: { name }, spec: { template } }
    return { apiVersion, kind: 'CronJob', metadata: { name }, spec: { schedule, jobTemplate } }
  },
}
