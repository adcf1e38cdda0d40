import type { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import type { CallOptions } from '../../api/transport.ts'
import { withLastApplied } from '../apply/last-applied.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import type { Manifest } from '../create/generator.ts'
import { UsageError } from '../flags.ts'
import { callOf } from '../objects.ts'
import { dryRunOf, resultPrinter, writeFlags } from '../result.ts'
import { runAttached } from '../run/attached.ts'

const restartPolicies = ['Always', 'OnFailure', 'Never']

export const run: Command = {
  name: 'run',
  usage: 'run NAME --image=IMAGE [flags] [-- ARGS...]',
  summary: 'Makes a pod of one container, and stays with it if asked to.',
  examples: [
    'wherry run web --image=nginx --port=80',
    'wherry run job --image=busybox --restart=Never --command -- sh -c "echo done"',
    'wherry run -it --rm shell --image=busybox --restart=Never',
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
    stdin: { type: 'bool', short: 'i', help: 'Pass standard input on, and stay' },
    tty: { type: 'bool', short: 't', help: 'With a terminal' },
    attach: { type: 'bool', help: 'Stay with it until it ends' },
    rm: { type: 'bool', help: 'Delete it when it has ended' },
    'leave-stdin-open': { type: 'bool', help: 'Others may attach afterwards', hidden: true },
    quiet: { type: 'bool', short: 'q', help: 'Only what the container says' },
    'pod-running-timeout': { type: 'string', help: 'How long to wait until it runs', placeholder: '1m' },
    expose: { type: 'bool', help: 'Make a service that leads to its port, too' },
    'save-config': { type: 'bool', help: 'Note what it was made from, for a later apply' },
    'field-manager': { type: 'string', help: 'In whose name fields are set' },
  },
  async run(context) {
    const pod = podOf(context)
    const dryRun = dryRunOf(context)
    const isAttached = flag.maybe(context, 'attach') ?? flag.on(context, 'stdin')
    refuseContradictions(context, isAttached)
    const session = await context.session()
    const say = resultPrinter(context)
    const options: CallOptions = {
      fieldManager: flag.text(context, 'field-manager') ?? 'kubectl-run',
      ...(dryRun === 'server' && { dryRun: true }),
    }
    const make = async (object: Manifest) => {
      const resource = (await session.resources()).ofKind('v1', object.kind)
      const body = flag.on(context, 'save-config') ? withLastApplied(object) : object
      const call = callOf('create', resource, { namespace: session.namespace }, { body, options })
      const made = dryRun === 'client' ? object : await session.transport.call(call)
      return { resource, name: object.metadata.name, made }
    }
    const main = await make(pod)
    const created = [main]
    if (flag.on(context, 'expose')) {
      const service = await make(serviceOf(context, pod))
      await say(service, 'created', service.made)
      created.push(service)
    }
    if (!isAttached) {
      await say(main, 'created', main.made)
      return 0
    }
    try {
      return await runAttached(context, session, main.made as Pod)
    } finally {
      for (const { resource, name } of flag.on(context, 'rm') ? created : []) {
        const { namespace } = session
        await session.transport.call(callOf('delete', resource, { namespace, name })).catch(ignore('NotFound'))
        if (!flag.on(context, 'quiet')) context.io.out(`${resource.singular} "${name}" deleted\n`)
      }
    }
  },
}

function refuseContradictions(context: CommandContext, isAttached: boolean): void {
  if (flag.on(context, 'tty') && !flag.on(context, 'stdin')) {
    throw new UsageError('-i/--stdin is required for containers with -t/--tty=true')
  }
  if (flag.on(context, 'expose') && flag.number(context, 'port') === undefined) {
    throw new UsageError('--port must be set when exposing a service')
  }
  if (flag.on(context, 'rm') && !isAttached) throw new UsageError('--rm should only be used for attached containers')
  if (isAttached && dryRunOf(context) !== 'none') {
    throw new UsageError("--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)")
  }
}

/** The service that `--expose` asks for. */
function serviceOf(context: CommandContext, pod: Manifest): Manifest {
  const { name, labels = {} } = pod.metadata
  const port = flag.number(context, 'port')
  const given = flag.list(context, 'labels').length > 0
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...(given && { labels }), name },
    spec: { ports: [{ port, protocol: 'TCP', targetPort: port }], selector: labels },
  }
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
    ...(flag.on(context, 'stdin') && { stdin: true, ...(!flag.on(context, 'leave-stdin-open') && { stdinOnce: true }) }),
    ...(flag.on(context, 'tty') && { tty: true }),
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
