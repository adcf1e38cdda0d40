import type { CallOptions } from '../../api/transport.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { callOf } from '../objects.ts'
import { dryRunOf, resultPrinter, writeFlags } from '../result.ts'

const restartPolicies = ['Always', 'OnFailure', 'Never']

export const run: Command = {
  name: 'run',
  usage: 'run NAME --image=IMAGE [flags] [-- ARGS...]',
  summary: 'Makes a pod of one container.',
  examples: [
    'wherry run web --image=nginx --port=80',
    'wherry run job --image=busybox --restart=Never --command -- sh -c "echo done"',
  ],
  flags: {
    ...writeFlags,
    image: { type: 'string', help: 'The image of its container' },
    port: { type: 'int', help: 'A port that it listens on' },
    env: { type: 'list', help: 'A variable and its value', placeholder: 'KEY=VALUE' },
    labels: { type: 'list', short: 'l', help: "The pod's labels: a=b,c=d", placeholder: 'run=NAME' },
    annotations: { type: 'list', help: 'An annotation: a=b' },
    restart: { type: 'string', help: 'Always, OnFailure or Never', placeholder: 'Always' },
    command: { type: 'bool', help: 'What follows -- is the command, not its arguments' },
    'image-pull-policy': { type: 'string', help: 'Always, IfNotPresent or Never' },
    privileged: { type: 'bool', help: 'With all the rights of the machine' },
    'field-manager': { type: 'string', help: 'In whose name fields are set' },
  },
  async run(context) {
    const pod = podOf(context)
    const session = await context.session()
    const resource = (await session.resources()).ofKind('v1', 'Pod')
    const { namespace } = session
    const dryRun = dryRunOf(context)
    const options: CallOptions = {
      fieldManager: flag.text(context, 'field-manager') ?? 'kubectl-run',
      ...(dryRun === 'server' && { dryRun: true }),
    }
    const made =
      dryRun === 'client' ? pod : await session.transport.call(callOf('create', resource, { namespace }, { body: pod, options }))
    await resultPrinter(context)({ resource, name: pod.metadata.name }, 'created', made)
    return 0
  },
}

/** The pod that a command line describes. Throws when something is missing. */
export function podOf(context: CommandContext) {
  const [name, ...others] = context.words
  const image = flag.text(context, 'image')
  if (!image) throw new Error('required flag(s) "image" not set')
  if (name === undefined) throw new Error('NAME is required for run')
  const words = [...others, ...(context.afterDash ?? [])]
  const isCommand = flag.on(context, 'command')
  if (isCommand && words.length === 0) throw new Error('--command needs a command after --')
  const restartPolicy = flag.text(context, 'restart') ?? 'Always'
  if (!restartPolicies.includes(restartPolicy)) throw new Error(`invalid restart policy: ${restartPolicy}`)
  const port = flag.number(context, 'port')
  const env = pairsOf(flag.list(context, 'env'), 'env').map(([key, value]) => ({ name: key, value }))
  const labels = pairsOf(
    flag.list(context, 'labels').flatMap(list => list.split(',')),
    'label',
  )
  const annotations = pairsOf(flag.list(context, 'annotations'), 'annotation')
  const imagePullPolicy = flag.text(context, 'image-pull-policy')
  const container = {
    image,
    name,
    ...(words.length > 0 && { [isCommand ? 'command' : 'args']: words }),
    ...(env.length > 0 && { env }),
    ...(port !== undefined && { ports: [{ containerPort: port }] }),
    ...(imagePullPolicy && { imagePullPolicy }),
    ...(flag.on(context, 'privileged') && { securityContext: { privileged: true } }),
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: labels.length > 0 ? Object.fromEntries(labels) : { run: name },
      ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }),
    },
    spec: { containers: [container], dnsPolicy: 'ClusterFirst', restartPolicy },
  }
}

function pairsOf(texts: readonly string[], what: string): [string, string][] {
  return texts.map(text => {
    const equals = text.indexOf('=')
    if (equals <= 0) throw new Error(`invalid ${what}: ${text}`)
    return [text.slice(0, equals), text.slice(equals + 1)]
  })
}
