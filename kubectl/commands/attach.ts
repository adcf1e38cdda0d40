import type { Pod } from '../../api/core/pod.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { containerNames, podMeant, usualContainer } from '../pods-of.ts'
import type { Session } from '../session.ts'
import { converse } from './exec.ts'

export const attach: Command = {
  name: 'attach',
  usage: 'attach (POD | TYPE/NAME | TYPE NAME) [-c CONTAINER] [-i] [-t]',
  summary: 'Joins what a container runs already.',
  examples: ['wherry attach web', 'wherry attach -it deploy/shell -c main'],
  flags: {
    container: { type: 'string', short: 'c', help: 'Which container' },
    stdin: { type: 'bool', short: 'i', help: 'Pass standard input on' },
    tty: { type: 'bool', short: 't', help: 'Standard input is a terminal' },
    quiet: { type: 'bool', short: 'q', help: 'Only what the container says' },
    'pod-running-timeout': { type: 'string', help: 'How long to wait for a pod', placeholder: '1m' },
  },
  async run(context) {
    const { words } = context
    if (words.length === 0) throw new Error('at least 1 argument is required for attach')
    if (words.length > 2) {
      throw new Error(`expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ${words.length}: [${words.join(' ')}]`)
    }
    const session = await context.session()
    const { pod } = await podMeant(context, session, words, { timeout: '60s', doing: 'attach to' })
    const { phase } = pod.status
    if (phase === 'Succeeded' || phase === 'Failed') {
      throw new Error(`cannot attach a container in a completed pod; current phase is ${phase}`)
    }
    return attachTo(context, session, pod, flag.text(context, 'container'))
  },
}

/** Joins a container's streams with ours, as the flags `--stdin`, `--tty` and `--quiet` say. Answers the exit code. */
export async function attachTo(
  context: CommandContext,
  session: Session,
  pod: Pod,
  containerName: string | undefined,
): Promise<number> {
  const { io } = context
  const isQuiet = flag.on(context, 'quiet')
  const name = containerName ?? usualContainer(pod, isQuiet ? () => {} : io.err)
  if (!containerNames(pod).includes(name)) {
    throw new Error(`cannot attach to the container: container ${name} not found in pod ${pod.metadata.name}`)
  }
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec
  const hasTerminal = [...containers, ...initContainers, ...ephemeralContainers].find(each => each.name === name)?.tty === true
  if (flag.on(context, 'tty') && !hasTerminal && !isQuiet) {
    io.err(`error: Unable to use a TTY - container ${name} did not allocate one\n`)
  }
  const stdin = flag.on(context, 'stdin')
  // A container with a terminal speaks through it, whether or not we have one.
  const isRaw = hasTerminal && stdin && io.stdin?.isTTY === true
  if (!isQuiet) io.err("If you don't see a command prompt, try pressing enter.\n")
  const target = { namespace: pod.metadata.namespace, name: pod.metadata.name }
  const how = { container: name, stdin, stdout: true, stderr: !hasTerminal, tty: hasTerminal }
  const code = await converse(context, await session.transport.attach(target, how), { stdin, tty: isRaw })
  if (!isQuiet && isRaw && pod.spec.restartPolicy === 'Always') io.out(`${farewell(pod, name)}\n`)
  return code
}

function farewell(pod: Pod, container: string): string {
  const again = `'wherry attach ${pod.metadata.name} -c ${container} -i -t'`
  return pod.spec.ephemeralContainers?.some(({ name }) => name === container)
    ? `Session ended, the ephemeral container will not be restarted but may be reattached using ${again} if it is still running`
    : `Session ended, resume using ${again} command when the pod is running`
}
