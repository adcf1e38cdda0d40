import { stat } from 'node:fs/promises'
import { basename, posix, resolve } from 'node:path'
import type { Pod } from '../../api/core/pod.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { packed, unpack } from '../copy/files.ts'
import { callOf } from '../objects.ts'
import { usualContainer } from '../pods-of.ts'
import type { Session } from '../session.ts'

export const cp: Command = {
  name: 'cp',
  usage: 'cp (FILE [NAMESPACE/]POD:FILE | [NAMESPACE/]POD:FILE FILE) [-c CONTAINER]',
  summary: 'Copies files and folders into a container and out of it; the container needs tar.',
  examples: ['wherry cp web.conf web:/etc/', 'wherry cp team/web:/var/log ./log -c main'],
  flags: {
    container: { type: 'string', short: 'c', help: 'Which container' },
    'no-preserve': { type: 'bool', help: 'Not the owner and the permissions' },
    retries: { type: 'int', help: 'Has no effect', hidden: true },
  },
  async run(context) {
    const [from, to, ...more] = context.words.map(placeOf)
    if (!from || !to || more.length > 0) throw new Error('source and destination are required')
    if (from.pod && to.pod) throw new Error('one of src or dest must be a local file specification')
    if (!from.path || !to.path) throw new Error('filepath can not be empty')
    if (from.pod) return copyOut(context, from, to.path)
    if (to.pod) return copyIn(context, from.path, to)
    throw new Error('one of src or dest must be a remote file specification')
  },
}

interface Place {
  readonly namespace?: string
  /** Empty: here. */
  readonly pod: string
  readonly path: string
}

function placeOf(text: string): Place {
  const colon = text.indexOf(':')
  const wrong = new Error('filespec must match the canonical format: [[namespace/]pod:]file/path')
  if (colon === 0) throw wrong
  if (colon < 0) return { pod: '', path: text }
  const parts = text.slice(0, colon).split('/')
  if (parts.length > 2) throw wrong
  const [pod = '', namespace] = parts.reverse()
  return { pod, path: text.slice(colon + 1), ...(namespace && { namespace }) }
}

type Run = (command: readonly string[], stdin: boolean) => ReturnType<Session['transport']['exec']>

/** How to run commands in the container that is meant. */
async function inContainer(context: CommandContext, { pod: name, namespace }: Place): Promise<Run> {
  const session = await context.session()
  const pods = (await session.resources()).named('pods')
  const place = { namespace: namespace ?? session.namespace, name }
  const pod = (await session.transport.call(callOf('get', pods, place))) as Pod
  const { phase } = pod.status
  if (phase === 'Succeeded' || phase === 'Failed') {
    throw new Error(`cannot exec into a container in a completed pod; current phase is ${phase}`)
  }
  const container = flag.text(context, 'container') ?? usualContainer(pod, context.io.err)
  return (command, stdin) => session.transport.exec(place, { container, command, stdin, stdout: true, stderr: true, tty: false })
}

async function textOf(chunks: AsyncIterable<Uint8Array>, tell: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of chunks) tell(decoder.decode(chunk, { stream: true }))
}

async function copyIn(context: CommandContext, path: string, to: Place): Promise<number> {
  const { io, signal } = context
  if (!(await stat(path).catch(() => undefined))) throw new Error(`${path} doesn't exist in local filesystem`)
  const run = await inContainer(context, to)
  const look = await run(['test', '-d', to.path], false)
  const isFolder = (await look.done).exitCode === 0
  const target = posix.normalize(isFolder ? posix.join(to.path, basename(resolve(path))) : to.path).replace(/(?<=.)\/$/, '')
  const preserve = flag.on(context, 'no-preserve') ? ['--no-same-permissions', '--no-same-owner', '-xmf'] : ['-xmf']
  const running = await run(['tar', ...preserve, '-', '-C', posix.dirname(target)], true)
  const hangUp = () => running.close()
  signal.addEventListener('abort', hangUp, { once: true })
  try {
    const send = async () => {
      for await (const chunk of packed(path, posix.basename(target))) await running.write(chunk)
      running.closeStdin()
    }
    const told = Promise.all([textOf(running.stdout, io.out), textOf(running.stderr, io.err)])
    // A command that has ended hears no more: its exit code says why.
    await Promise.race([send(), running.done])
    await told
    return await verdict(context, running)
  } finally {
    signal.removeEventListener('abort', hangUp)
  }
}

async function copyOut(context: CommandContext, from: Place, destination: string): Promise<number> {
  const { io, signal } = context
  const run = await inContainer(context, from)
  const running = await run(['tar', 'cf', '-', from.path], false)
  const hangUp = () => running.close()
  signal.addEventListener('abort', hangUp, { once: true })
  try {
    const told = textOf(running.stderr, io.err)
    // As tar writes names: without a slash, or steps upwards, at their beginning.
    const prefix = posix
      .normalize(from.path)
      .replace(/^(\.\.\/|\/)+/, '')
      .replace(/\/$/, '')
      .replace(/^\.\.?$/, '')
    await unpack(running.stdout, { prefix, destination, warn: io.err })
    await told
    return await verdict(context, running)
  } finally {
    signal.removeEventListener('abort', hangUp)
    running.close()
  }
}

async function verdict({ io }: CommandContext, running: Awaited<ReturnType<Run>>): Promise<number> {
  const { exitCode, message } = await running.done
  if (message) throw new Error(message)
  if (exitCode !== 0) io.err(`command terminated with exit code ${exitCode}\n`)
  return exitCode
}
