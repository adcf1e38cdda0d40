import type { ExecSession } from '../../api/node-agent.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { UsageError } from '../flags.ts'
import type { Io } from '../io.ts'
import { podsMeant, usualContainer } from '../pods-of.ts'

export const exec: Command = {
  name: 'exec',
  usage: 'exec (POD | TYPE/NAME) [-c CONTAINER] [-i] [-t] -- COMMAND [ARG...]',
  summary: 'Runs a command in a container and ends with its exit code.',
  examples: [
    'wherry exec web -- ls /tmp',
    'wherry exec -it deploy/web -c main -- sh',
    'wherry exec -i web -- tar xf - < files.tar',
  ],
  flags: {
    container: { type: 'string', short: 'c', help: 'Which container' },
    stdin: { type: 'bool', short: 'i', help: 'Pass standard input on' },
    tty: { type: 'bool', short: 't', help: 'Standard input is a terminal' },
    quiet: { type: 'bool', short: 'q', help: 'Only what the command says' },
    'pod-running-timeout': { type: 'string', help: 'How long to wait for a pod', hidden: true },
  },
  async run(context) {
    const { words, afterDash, io } = context
    if (afterDash === undefined && words.length > 1) {
      throw new UsageError('exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead')
    }
    const [name, ...more] = words
    if (name === undefined) throw new Error('pod, type/name or --filename must be specified')
    if (more.length > 0) throw new UsageError('only one pod can be named')
    const command = afterDash ?? []
    if (command.length === 0) throw new Error('you must specify at least one command for the container')

    const session = await context.session()
    const [pod] = await podsMeant(session, [name])
    if (!pod) throw new Error(`${name} has no pods`)
    const { phase } = pod.status
    if (phase === 'Succeeded' || phase === 'Failed') {
      throw new Error(`cannot exec into a container in a completed pod; current phase is ${phase}`)
    }
    const isQuiet = flag.on(context, 'quiet')
    const container = flag.text(context, 'container') ?? usualContainer(pod, isQuiet ? () => {} : io.err)
    const stdin = flag.on(context, 'stdin')
    const tty = stdin && flag.on(context, 'tty') && io.stdin?.isTTY === true
    if (stdin && flag.on(context, 'tty') && !tty && !isQuiet) {
      io.err('Unable to use a TTY - input is not a terminal or the right kind of file\n')
    }
    const target = { namespace: pod.metadata.namespace, name: pod.metadata.name }
    const running = await session.transport.exec(target, { container, command, stdin, stdout: true, stderr: !tty, tty })
    return converse(context, running, { stdin, tty })
  },
}

/** Joins a command's streams with ours until it ends; answers its exit code. */
export async function converse(
  { io, signal }: Pick<CommandContext, 'io' | 'signal'>,
  running: ExecSession,
  { stdin, tty }: { stdin: boolean; tty: boolean },
): Promise<number> {
  const hangUp = () => running.close()
  signal.addEventListener('abort', hangUp, { once: true })
  const release = stdin ? feed(io, running, tty) : () => {}
  try {
    const [{ exitCode, message }] = await Promise.all([
      running.done,
      copy(io, running.stdout, 'out'),
      copy(io, running.stderr, 'err'),
    ])
    if (signal.aborted) return 130
    if (message && exitCode < 0) throw new Error(message)
    if (message) io.err(`error: ${message}\n`)
    // kubectl adds this line below whatever the command itself has said.
    else if (exitCode !== 0) io.err(`command terminated with exit code ${exitCode}\n`)
    return exitCode
  } finally {
    signal.removeEventListener('abort', hangUp)
    release()
  }
}

async function copy(io: Io, from: AsyncIterable<Uint8Array>, to: 'out' | 'err'): Promise<void> {
  const { writeBytes } = io
  if (writeBytes) {
    for await (const chunk of from) writeBytes(chunk, to)
    return
  }
  const decoder = new TextDecoder()
  for await (const chunk of from) io[to](decoder.decode(chunk, { stream: true }))
}

/** Sends what is typed, or piped, and the terminal's size whenever it changes. Answers how to stop and tidy up. */
function feed(io: Io, running: ExecSession, tty: boolean): () => void {
  const { stdin } = io
  if (!stdin) {
    void io.readStdin().then(async text => {
      if (text) await running.write(Buffer.from(text))
      running.closeStdin()
    }, ignoreEnd)
    return () => {}
  }
  if (tty) stdin.setRawMode(true)
  const onData = (chunk: Buffer) => {
    stdin.pause()
    running.write(chunk).then(() => stdin.resume(), ignoreEnd)
  }
  const onEnd = () => running.closeStdin()
  stdin.on('data', onData)
  stdin.once('end', onEnd)
  const stopResizing = tty ? (io.onResize?.((columns, rows) => running.resize(columns, rows)) ?? (() => {})) : () => {}
  return () => {
    stopResizing()
    stdin.off('data', onData)
    stdin.off('end', onEnd)
    if (tty) stdin.setRawMode(false)
    stdin.pause()
  }
}

/** The command has ended before its input has: nobody is left to read it. */
function ignoreEnd(): void {}
