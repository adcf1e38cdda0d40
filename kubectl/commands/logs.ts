import type { Pod } from '../../api/core/pod.ts'
import { isReason } from '../../api/errors.ts'
import type { ContainerLogOptions } from '../../api/node-agent.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { deletedLog, deletedPods } from '../deleted/deleted-pods.ts'
import { parseDuration } from '../duration.ts'
import { UsageError } from '../flags.ts'
import type { Io } from '../io.ts'
import { listAll } from '../objects.ts'
import { containerNames, podsMeant, usualContainer } from '../pods-of.ts'

const usage = 'logs (POD | TYPE/NAME | -l SELECTOR) [-c CONTAINER] [flags]'

export const logs: Command = {
  name: 'logs',
  aliases: ['log'],
  usage,
  summary: 'Shows what containers have written.',
  examples: [
    'wherry logs web',
    'wherry logs -f deploy/web -c main',
    'wherry logs -l app=web --prefix --tail=5',
    'wherry logs web --previous',
    'wherry logs --deleted web',
  ],
  flags: {
    follow: { type: 'bool', short: 'f', help: 'Go on as more is written' },
    previous: { type: 'bool', short: 'p', help: "The container's last run before this one" },
    container: { type: 'string', short: 'c', help: 'Which container' },
    'all-containers': { type: 'bool', help: 'Every container, init containers first' },
    'all-pods': { type: 'bool', help: 'Every pod of a workload, with prefixes' },
    tail: { type: 'int', help: 'So many last lines; -1 for all (10 with a selector)' },
    since: { type: 'string', help: 'Only what is younger: 5s, 2m, 3h' },
    'since-time': { type: 'string', help: 'Only what was written after a moment (RFC 3339)' },
    'limit-bytes': { type: 'int', help: 'So many bytes at most' },
    timestamps: { type: 'bool', help: 'When each line was written' },
    prefix: { type: 'bool', help: 'Which pod and container each line is from' },
    selector: { type: 'string', short: 'l', help: 'The pods with these labels' },
    deleted: { type: 'bool', help: 'The last words of a pod that was deleted a while ago' },
    'ignore-errors': { type: 'bool', help: 'Go on with the others when one fails' },
    'max-log-requests': { type: 'int', help: 'How many containers to follow at a time (5)' },
    'pod-running-timeout': { type: 'string', help: 'How long to wait for a pod', hidden: true },
    'insecure-skip-tls-verify-backend': { type: 'bool', help: 'Of no meaning here', hidden: true },
  },
  async run(context) {
    const options = logOptions(context)
    if (flag.on(context, 'deleted')) return printDeleted(context, options)
    const sources = await sourcesOf(context, options.container)
    const follows = options.follow && sources.length > 1
    const most = flag.number(context, 'max-log-requests') ?? 5
    if (follows && sources.length > most) {
      throw new Error(
        `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${most}, use --max-log-requests to increase the limit`,
      )
    }
    const show = (source: Source) => print(context, source, options)
    if (follows) await Promise.all(sources.map(show))
    else for (const source of sources) await show(source)
    return 0
  },
}

interface Source {
  readonly pod: Pod
  readonly container: string
}

/** Checks the flags and says them as the API does. */
function logOptions(context: CommandContext): ContainerLogOptions {
  const { words } = context
  const text = (name: string) => flag.text(context, name)
  const [sinceTime, since, selector] = [text('since-time'), text('since'), text('selector')]
  const container = text('container') ?? words[1]
  if (words.length === 0 && selector === undefined) {
    throw new UsageError(`expected '${usage}'.\nPOD or TYPE/NAME is a required argument for the logs command`)
  }
  if (words.length > 2) throw new UsageError(`expected '${usage}'.\nPOD or TYPE/NAME is a required argument for the logs command`)
  if (words.length > 0 && selector) throw new UsageError('only a selector (-l) or a POD name is allowed')
  if (words.length === 2 && text('container')) throw new Error('only one of -c or an inline [CONTAINER] arg is allowed')
  if (flag.on(context, 'all-containers') && container) {
    throw new Error(`--all-containers=true should not be specified with container name ${container}`)
  }
  const sinceInMs = since === undefined ? 0 : parseDuration('since', since)
  if (sinceTime && sinceInMs !== 0) throw new Error('at most one of `sinceTime` or `sinceSeconds` may be specified')
  if (sinceTime && Number.isNaN(Date.parse(sinceTime)))
    throw new Error(`parsing time "${sinceTime}": it must be as RFC 3339 has it`)
  if (sinceInMs < 0) throw new Error('--since must be greater than 0')
  const limitBytes = flag.number(context, 'limit-bytes')
  if ((limitBytes ?? 0) < 0) throw new Error('--limit-bytes must be greater than 0')
  const tail = flag.number(context, 'tail') ?? (selector ? 10 : -1)
  if (tail < -1) throw new Error('--tail must be greater than or equal to -1')
  return {
    ...(container && { container }),
    ...(flag.on(context, 'follow') && { follow: true }),
    ...(flag.on(context, 'previous') && { previous: true }),
    ...(flag.on(context, 'timestamps') && { timestamps: true }),
    ...(tail >= 0 && { tailLines: tail }),
    ...(limitBytes && { limitBytes }),
    ...(sinceInMs > 0 && { sinceSeconds: Math.max(1, Math.round(sinceInMs / 1000)) }),
    ...(sinceTime && { sinceTime }),
  }
}

async function sourcesOf(context: CommandContext, container: string | undefined): Promise<readonly Source[]> {
  const { io, words } = context
  const session = await context.session()
  const labelSelector = flag.text(context, 'selector')
  const allPods = flag.on(context, 'all-pods')
  let pods: readonly Pod[]
  if (labelSelector) {
    const list = await listAll(session, (await session.resources()).named('pods'), session.namespace, { labelSelector })
    pods = list.items as unknown as readonly Pod[]
    if (pods.length === 0) io.err(`No resources found in ${session.namespace} namespace.\n`)
  } else {
    const meant = await podsMeant(session, words.slice(0, 1)).catch((error: Error & { status?: { code?: number } }) => {
      if (error.status?.code !== 404) throw error
      throw new Error(`error from server (NotFound): ${error.message} in namespace "${session.namespace}"`, { cause: error })
    })
    const [first] = meant
    if (!first) throw new Error('no pods were found for it')
    if (meant.length > 1 && !allPods) io.err(`Found ${meant.length} pods, using pod/${first.metadata.name}\n`)
    pods = allPods ? meant : [first]
  }
  return pods.flatMap(pod => {
    if (flag.on(context, 'all-containers')) return containerNames(pod).map(name => ({ pod, container: name }))
    const name = container ?? usualContainer(pod, allPods ? () => {} : io.err)
    if (!containerNames(pod).includes(name)) throw new Error(`container ${name} is not valid for pod ${pod.metadata.name}`)
    return [{ pod, container: name }]
  })
}

/** What is kept of a pod that is gone: of the container named, of the usual one, or of all that it had. */
async function printDeleted(context: CommandContext, options: ContainerLogOptions): Promise<number> {
  const { io, words } = context
  if (flag.text(context, 'selector') !== undefined) throw new UsageError('--deleted takes the name of a pod, not a selector')
  if (options.follow) throw new Error('--follow is of no use with --deleted: a pod that is gone writes nothing more')
  const session = await context.session()
  const { namespace } = session
  const name = (words[0] ?? '').replace(/^(pods?|po)\//, '')
  const { items } = await deletedPods(session, { namespace, name })
  const pod = items[0]?.object
  if (!pod) throw new Error(`no pod "${name}" in namespace "${namespace}" was deleted a short while ago`)
  const all = flag.on(context, 'all-containers')
  const containers = all ? containerNames(pod) : [options.container ?? usualContainer(pod, io.err)]
  let failed = false
  for (const container of containers) {
    const prefix = flag.on(context, 'prefix') ? `[pod/${name}/${container}] ` : ''
    const target = { namespace, name, uid: pod.metadata.uid }
    try {
      const lines = lineWriter(io, prefix)
      lines.write(await deletedLog(session, target, { ...options, container }))
      lines.end()
    } catch (error) {
      // Of several some may never have written anything.
      if (!all) throw error
      failed ||= !isReason(error, 'NotFound')
    }
  }
  return failed ? 1 : 0
}

/** Copies a log out, byte for byte. */
async function print(context: CommandContext, { pod, container }: Source, options: ContainerLogOptions): Promise<void> {
  const { io, signal } = context
  const { namespace, name } = pod.metadata
  const isPrefixed = flag.on(context, 'prefix') || flag.on(context, 'all-pods')
  const lines = lineWriter(io, isPrefixed ? `[pod/${name}/${container}] ` : '')
  try {
    const { transport } = await context.session()
    for await (const chunk of transport.logs({ namespace, name }, { ...options, container }, signal)) lines.write(chunk)
    lines.end()
  } catch (error) {
    if (!flag.on(context, 'ignore-errors')) throw error
    io.out(`error: ${(error as Error).message}\n`)
  }
}

const newline = 10

/** Writes whole lines at a time, since several logs may be mixed, each with a prefix. */
function lineWriter(io: Io, prefix: string) {
  const decoder = new TextDecoder()
  const head = Buffer.from(prefix)
  let rest: Uint8Array = new Uint8Array()
  const put = (bytes: Uint8Array) =>
    io.writeBytes ? io.writeBytes(bytes, 'out') : io.out(decoder.decode(bytes, { stream: true }))
  const prefixed = (bytes: Uint8Array): Uint8Array => {
    if (head.length === 0) return bytes
    const parts: Uint8Array[] = []
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(newline, start)
      const line = bytes.subarray(start, end < 0 ? bytes.length : end + 1)
      parts.push(head, line)
      start += line.length
    }
    return Buffer.concat(parts)
  }
  return {
    write(chunk: Uint8Array) {
      const end = chunk.lastIndexOf(newline) + 1
      if (end > 0) put(prefixed(rest.length > 0 ? Buffer.concat([rest, chunk.subarray(0, end)]) : chunk.subarray(0, end)))
      if (end === chunk.length) rest = new Uint8Array()
      else rest = end > 0 || rest.length === 0 ? chunk.slice(end) : Buffer.concat([rest, chunk])
    },
    end() {
      if (rest.length > 0) put(prefixed(rest))
      rest = new Uint8Array()
    },
  }
}
