import type { Pod } from '../../api/core/pod.ts'
import type { KubeObject } from '../../api/transport.ts'
import { systemRandom } from '../../lib/random.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { ephemeralContainer, nodePod, podCopy, type Tool } from '../debug/drafts.ts'
import { profileNames } from '../debug/profiles.ts'
import { callOf } from '../objects.ts'
import { containerNames } from '../pods-of.ts'
import { showLog } from '../run/attached.ts'
import { podOnce } from '../run/until.ts'
import { select } from '../selection.ts'
import type { Session } from '../session.ts'
import { attachTo } from './attach.ts'

export const debug: Command = {
  name: 'debug',
  usage: 'debug (POD | TYPE/NAME) [--image=IMAGE] [--target=CONTAINER | --copy-to=NAME] [-it] [-- COMMAND...]',
  summary: 'Looks into a pod with a container more, into a copy of it, or around on a node.',
  examples: [
    'wherry debug -it web --image=busybox --target=main',
    'wherry debug web -it --copy-to=web-debug --container=main -- sh',
    'wherry debug node/node-1 -it --image=busybox',
  ],
  flags: {
    image: { type: 'string', help: 'The image of the container to look with' },
    container: { type: 'string', short: 'c', help: 'What that container is called' },
    target: { type: 'string', help: 'See the processes of this container' },
    'copy-to': { type: 'string', help: 'Make a copy of the pod under this name' },
    replace: { type: 'bool', help: 'With --copy-to: delete the original' },
    'same-node': { type: 'bool', help: 'With --copy-to: on the same node' },
    'share-processes': { type: 'bool', help: 'With --copy-to: containers see the processes of one another' },
    'set-image': { type: 'list', help: 'With --copy-to: other images, CONTAINER=IMAGE' },
    'keep-labels': { type: 'bool', help: 'With --copy-to: the labels, too' },
    'keep-annotations': { type: 'bool', help: 'With --copy-to: the annotations, too' },
    'keep-liveness': { type: 'bool', help: 'With --copy-to: the liveness probes, too' },
    'keep-readiness': { type: 'bool', help: 'With --copy-to: the readiness probes, too' },
    'keep-startup': { type: 'bool', help: 'With --copy-to: the startup probes, too' },
    'keep-init-containers': { type: 'bool', help: 'With --copy-to: the init containers, too (the default)' },
    'arguments-only': { type: 'bool', help: 'What follows -- are arguments, not the command' },
    env: { type: 'list', help: 'A variable and its value', placeholder: 'KEY=VALUE' },
    'image-pull-policy': { type: 'string', help: 'Always, IfNotPresent or Never' },
    profile: { type: 'string', help: profileNames.join(', '), placeholder: 'legacy' },
    attach: { type: 'bool', help: 'Join it when it runs (with -i, the default)' },
    stdin: { type: 'bool', short: 'i', help: 'Pass standard input on' },
    tty: { type: 'bool', short: 't', help: 'With a terminal' },
    quiet: { type: 'bool', short: 'q', help: 'Only what the container says' },
  },
  async run(context) {
    refuseContradictions(context)
    const { io } = context
    const target = flag.text(context, 'target')
    if (target && !flag.on(context, 'quiet')) {
      io.out(
        `Targeting container ${JSON.stringify(target)}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n`,
      )
    }
    if (profileOf(context) === 'legacy') {
      io.err(
        '--profile=legacy is deprecated and will be removed in the future. It is recommended to explicitly specify a profile, for example "--profile=general".\n',
      )
    }
    const session = await context.session()
    const map = await session.resources()
    const words = context.words.map(word => (word.includes('/') ? word : `pods/${word}`))
    for (const { resource, names } of select(words, map)) {
      for (const name of names) {
        const { namespace } = session
        const object = (await session.transport.call(callOf('get', resource, { namespace, name }))) as KubeObject
        const isPod = resource.resource === 'pods' && resource.group === ''
        if (!isPod && (resource.resource !== 'nodes' || resource.group !== '')) {
          throw new Error(`"${resource.group}/${resource.version}, Kind=${resource.kind}" not supported by debug`)
        }
        const made = await (isPod ? intoPod(context, session, object as unknown as Pod) : ontoNode(context, session, name))
        const isAttached = flag.maybe(context, 'attach') ?? flag.on(context, 'stdin')
        if (!isAttached || made.container === undefined) continue
        const code = await join(context, session, made.pod, made.container)
        if (code !== 0) return code
      }
    }
    return 0
  },
}

const profileOf = (context: CommandContext) => flag.text(context, 'profile') ?? 'legacy'

function refuseContradictions(context: CommandContext): void {
  const given = (name: string) => flag.text(context, name) !== undefined && flag.text(context, name) !== ''
  const { afterDash = [] } = context
  const setsImages = flag.list(context, 'set-image').length > 0
  if (!profileNames.includes(profileOf(context))) throw new Error(`unknown profile: ${profileOf(context)}`)
  if (flag.on(context, 'attach') && !given('image') && !given('container')) {
    throw new Error('you must specify --container or create a new container using --image in order to attach.')
  }
  if (given('copy-to')) {
    if (!given('image') && !setsImages && afterDash.length === 0) {
      throw new Error('you must specify --image, --set-image or command arguments.')
    }
    if (afterDash.length > 0 && !given('container') && !given('image')) {
      throw new Error('you must specify an existing container or a new image when specifying args.')
    }
    if (given('target')) throw new Error('--target is incompatible with --copy-to. Use --share-processes instead.')
  } else {
    for (const only of ['replace', 'same-node']) {
      if (flag.on(context, only)) throw new Error(`--${only} may only be used with --copy-to.`)
    }
    if (setsImages) throw new Error('--set-image may only be used with --copy-to.')
    if (!given('image')) throw new Error('you must specify --image when not using --copy-to.')
  }
  if (context.words.length === 0) throw new Error('NAME or filename is required for debug')
  if (flag.on(context, 'tty') && !flag.on(context, 'stdin')) {
    throw new Error('-i/--stdin is required for containers with -t/--tty=true')
  }
}

function toolOf(context: CommandContext, name: string): Tool {
  const keeps = (what: string) => flag.on(context, `keep-${what}`)
  return {
    name,
    image: flag.text(context, 'image'),
    words: context.afterDash ?? [],
    areArguments: flag.on(context, 'arguments-only'),
    env: pairsOf(flag.list(context, 'env')).map(([key, value]) => ({ name: key, value })),
    pullPolicy: flag.text(context, 'image-pull-policy'),
    stdin: flag.on(context, 'stdin'),
    tty: flag.on(context, 'tty'),
    profile: profileOf(context),
    kept: {
      labels: keeps('labels'),
      annotations: keeps('annotations'),
      liveness: keeps('liveness'),
      readiness: keeps('readiness'),
      startup: keeps('startup'),
      initContainers: flag.maybe(context, 'keep-init-containers') ?? true,
    },
  }
}

function pairsOf(texts: readonly string[]): [string, string][] {
  return texts.flatMap(list =>
    list.split(',').map((text): [string, string] => {
      const equals = text.indexOf('=')
      if (equals < 0) throw new Error(`${text} must be formatted as key=value`)
      return [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )
}

interface Made {
  readonly pod: Pod
  /** What to join; undefined: nothing was added. */
  readonly container: string | undefined
}

async function intoPod(context: CommandContext, session: Session, pod: Pod): Promise<Made> {
  const pods = (await session.resources()).named('pods')
  const { namespace, name } = pod.metadata
  const copyTo = flag.text(context, 'copy-to')
  if (copyTo) return intoCopy(context, session, pod, copyTo)
  const container = flag.text(context, 'container') ?? newName(context, pod)
  const added = ephemeralContainer(pod, toolOf(context, container), flag.text(context, 'target'))
  const order = [...(pod.spec.ephemeralContainers ?? []), { name: container }].map(each => ({ name: each.name }))
  const body = { spec: { '$setElementOrder/ephemeralContainers': order, ephemeralContainers: [added] } }
  const place = { namespace, name, subresource: 'ephemeralcontainers' }
  const call = callOf('patch', pods, place, { body, patchType: 'strategic' })
  return { pod: (await session.transport.call(call)) as Pod, container }
}

async function intoCopy(context: CommandContext, session: Session, pod: Pod, copyTo: string): Promise<Made> {
  const pods = (await session.resources()).named('pods')
  const { namespace, name } = pod.metadata
  const images = Object.fromEntries(pairsOf(flag.list(context, 'set-image')))
  const asked = flag.text(context, 'container')
  const isNew = asked === undefined || !containerNames(pod).includes(asked)
  const hasImage = Boolean(flag.text(context, 'image'))
  const onlyImages = isNew && !hasImage && Object.keys(images).length > 0
  if (isNew && !hasImage && !onlyImages) throw new Error('you must specify image when creating new container')
  const container = onlyImages ? undefined : (asked ?? newName(context, pod))
  const body = podCopy(pod, {
    name: copyTo,
    images,
    sameNode: flag.on(context, 'same-node'),
    shareProcesses: flag.maybe(context, 'share-processes'),
    tool: container === undefined ? undefined : toolOf(context, container),
  })
  const made = (await session.transport.call(callOf('create', pods, { namespace }, { body }))) as Pod
  if (flag.on(context, 'replace')) {
    await session.transport.call(callOf('delete', pods, { namespace, name }, { options: { gracePeriodSeconds: 0 } }))
  }
  return { pod: made, container }
}

async function ontoNode(context: CommandContext, session: Session, node: string): Promise<Made> {
  const pods = (await session.resources()).named('pods')
  const container = flag.text(context, 'container') ?? 'debugger'
  const name = `node-debugger-${node}-${systemRandom.suffix(5)}`
  if (!flag.on(context, 'quiet')) {
    context.io.out(`Creating debugging pod ${name} with container ${container} on node ${node}.\n`)
  }
  const body = nodePod(node, name, toolOf(context, container))
  const { namespace } = session
  return { pod: (await session.transport.call(callOf('create', pods, { namespace }, { body }))) as Pod, container }
}

function newName(context: CommandContext, pod: Pod): string {
  const taken = containerNames(pod)
  let name = ''
  do name = `debugger-${systemRandom.suffix(5)}`
  while (taken.includes(name))
  if (!flag.on(context, 'quiet')) context.io.out(`Defaulting debug container name to ${name}.\n`)
  return name
}

/** Joins the container as soon as it runs; shows its log when it has ended by then. */
async function join(context: CommandContext, session: Session, { metadata }: Pod, container: string): Promise<number> {
  const { io, signal } = context
  const warned = new Set<string>()
  const stateOf = ({ status }: Pod) =>
    [
      ...(status.initContainerStatuses ?? []),
      ...(status.containerStatuses ?? []),
      ...(status.ephemeralContainerStatuses ?? []),
    ].find(({ name }) => name === container)?.state
  const target = { namespace: metadata.namespace, name: metadata.name }
  const pod = await podOnce(
    context,
    session,
    target,
    each => {
      const { running, terminated, waiting } = stateOf(each) ?? {}
      if (waiting?.message && !warned.has(waiting.message) && !flag.on(context, 'quiet')) {
        warned.add(waiting.message)
        io.err(`Warning: container ${container}: ${waiting.message}\n`)
      }
      return running !== undefined || terminated !== undefined
    },
    0,
  )
  if (!stateOf(pod)?.terminated) {
    try {
      return await attachTo(context, session, pod, container)
    } catch (error) {
      if (signal.aborted) throw error
      io.err(`warning: couldn't attach to pod/${metadata.name}, falling back to streaming logs: ${(error as Error).message}\n`)
    }
  }
  await showLog(context, session, target, container)
  return 0
}
