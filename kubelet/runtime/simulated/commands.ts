import type { ExecOptions } from '../../../api/node-agent.ts'
import type { Answer, Stage } from '../../../api/simulation/stages.ts'
import { bell } from '../../../lib/bell.ts'
import { type ContainerRuntime, RuntimeError } from '../runtime.ts'
import type { ContainerRecord, NodeRecords, SimulatedEngine } from './engine.ts'
import { failureOf } from './life.ts'
import { type Command, execSession } from './sessions.ts'
import { bytes, canRun, run } from './shell.ts'
import { glob, type Turn } from './stage-book.ts'

/** The command by which a simulated container is asked how a probe went: `wherry-probe <type> [-- command...]`. */
export const probeCommand = 'wherry-probe'

interface Options {
  readonly engine: SimulatedEngine
  readonly records: NodeRecords
  /** Throws a RuntimeError when it does not run. */
  readonly runningOf: (id: string) => ContainerRecord
}

/** Commands in containers: the simulated shell runs them, unless a stage has another answer. */
export function simulatedCommands({ engine, records, runningOf }: Options): Pick<ContainerRuntime, 'exec' | 'execSync'> {
  const { clock } = engine

  const start = (container: ContainerRecord, options: ExecOptions, command: Command | undefined) => {
    const over = new AbortController()
    const session = execSession(
      {
        clock,
        hostname: records.sandboxes.get(container.sandboxId)?.hostname ?? '',
        containerEnd: over.signal,
        command,
      },
      options,
    )
    void endWith(container, session.done, over)
    return session
  }

  const ask = async (container: ContainerRecord, [, type = '', ...rest]: readonly string[], timeoutInMs: number) => {
    const turn = container.play?.next(type as Stage['on']) ?? container.play?.next('probe')
    const { is, output = '' } = turn ? answerAt(turn.stage.answer, clock.now() - container.startedAt) : unsaid
    if (is === undefined) {
      const command = rest[0] === '--' ? rest.slice(1) : []
      if (command.length > 0) return runSync(container, command, timeoutInMs)
      return { exitCode: container.behaviour.isReady ? 0 : 1, output: '', timedOut: false }
    }
    const delayInMs = is === 'timeout' ? Number.POSITIVE_INFINITY : (turn?.delayInMs ?? 0)
    const isLate = timeoutInMs > 0 && delayInMs >= timeoutInMs
    if (delayInMs > 0) await clock.sleep(isLate ? timeoutInMs : Math.min(delayInMs, 2 ** 31 - 1))
    if (isLate) return { exitCode: 137, output, timedOut: true }
    if (is === 'error') throw new RuntimeError('other', output || 'the simulated probe cannot be asked')
    return { exitCode: is === 'success' ? 0 : 1, output, timedOut: false }
  }

  const runSync = async (container: ContainerRecord, command: readonly string[], timeoutInMs: number) => {
    const staged = stagedCommand(container, command)
    if (!staged && !canRun(command)) return { exitCode: container.behaviour.isReady ? 0 : 1, output: '', timedOut: false }
    const output: Uint8Array[] = []
    const both: Command = context => {
      const gathering = { ...context, err: context.out }
      return staged ? staged(gathering) : run(command, gathering)
    }
    const session = start(container, { command, stdin: false, stdout: true, stderr: true, tty: false }, both)
    let timedOut = false
    const stop = () => {
      timedOut = true
      session.close()
    }
    const cancel = timeoutInMs > 0 ? clock.after(timeoutInMs, stop) : undefined
    const { exitCode } = await session.done
    cancel?.()
    for await (const chunk of session.stdout) output.push(chunk)
    return { exitCode, output: Buffer.concat(output).toString(), timedOut }
  }

  return {
    async exec(id, options) {
      const container = runningOf(id)
      return start(container, options, stagedCommand(container, options.command))
    },
    async execSync(id, command, timeoutInMs) {
      const container = runningOf(id)
      return command[0] === probeCommand ? ask(container, command, timeoutInMs) : runSync(container, command, timeoutInMs)
    },
  }
}

const unsaid: { readonly is: undefined; readonly output?: string | undefined } = { is: undefined }

function execTurn({ play }: ContainerRecord, command: readonly string[]): Turn | undefined {
  return play?.next('exec', stage => glob(stage.command)(command.join(' ')))
}

/** Throws when the stage is that it fails. */
function stagedCommand(container: ContainerRecord, command: readonly string[]): Command | undefined {
  const turn = execTurn(container, command)
  const failure = turn && failureOf(turn.stage, 'other')
  if (failure) throw failure
  return turn && playing(turn)
}

/** A command of which the stage says what it prints, how it ends, and how long that takes. */
function playing({ stage, delayInMs }: Turn): Command {
  return async ({ clock, signal, out }) => {
    if (stage.output) out(bytes(stage.output))
    if (delayInMs > 0) await clock.sleep(delayInMs, signal)
    return stage.exit?.code ?? 0
  }
}

/** What the answer is so long after the start; the last one stays unless it says for how long. */
function answerAt(answers: readonly Answer[] | undefined, ms: number): Answer | typeof unsaid {
  const span = (answers ?? []).reduce((sum, one) => sum + (one.for ?? Number.POSITIVE_INFINITY), 0)
  // All of them have their time: they begin anew.
  let left = Number.isFinite(span) && span > 0 ? ms % span : ms
  for (const one of answers ?? []) {
    if (one.for === undefined || left < one.for) return one
    left -= one.for
  }
  return answers?.at(-1) ?? unsaid
}

/** A command ends with its container, at the latest. */
async function endWith(container: ContainerRecord, done: Promise<unknown>, over: AbortController): Promise<void> {
  let isDone = false
  void done.finally(() => {
    isDone = true
    container.changed?.ring()
  })
  container.changed ??= bell()
  while (!isDone && container.state === 'running') await container.changed.wait()
  over.abort()
}
