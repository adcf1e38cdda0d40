import type { Pod } from '../../api/core/pod.ts'
import { type CommandContext, flag } from '../command.ts'
import { attachTo } from '../commands/attach.ts'
import { parseDuration } from '../duration.ts'
import type { Session } from '../session.ts'
import { hasEnded, isReadyOrEnded, podOnce } from './until.ts'

/** Follows a pod that was just made: joins it, or shows its log where it is over already; then answers with what it ended. */
export async function runAttached(context: CommandContext, session: Session, made: Pod): Promise<number> {
  const { io, signal } = context
  const inMs = parseDuration('pod-running-timeout', flag.text(context, 'pod-running-timeout') ?? '60s')
  const target = { namespace: made.metadata.namespace, name: made.metadata.name }
  const pod = await podOnce(context, session, target, isReadyOrEnded, inMs)
  const container = pod.spec.containers[0]?.name ?? ''
  if (hasEnded(pod)) await showLog(context, session, target, container)
  else {
    try {
      await attachTo(context, session, pod, undefined)
    } catch (error) {
      if (signal.aborted) throw error
      io.err(`warning: couldn't attach to pod/${target.name}, falling back to streaming logs: ${(error as Error).message}\n`)
      await showLog(context, session, target, container)
    }
  }
  const { restartPolicy } = pod.spec
  if (flag.on(context, 'leave-stdin-open') || restartPolicy === 'Always' || signal.aborted) return 0
  const isOver = restartPolicy === 'OnFailure' ? ({ status }: Pod) => status.phase === 'Succeeded' : hasEnded
  return verdict(context, await podOnce(context, session, target, isOver, inMs))
}

/** Everything in a container's log, until it ends. */
export async function showLog(
  { io, signal }: CommandContext,
  session: Session,
  target: { namespace: string; name: string },
  container: string,
): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of session.transport.logs(target, { follow: true, container }, signal)) {
    if (io.writeBytes) io.writeBytes(chunk, 'out')
    else io.out(decoder.decode(chunk, { stream: true }))
  }
}

/** The exit code of a pod that has ended. */
function verdict({ io }: CommandContext, { metadata, status }: Pod): number {
  if (status.phase === 'Succeeded') return 0
  const ended = status.containerStatuses?.[0]?.state.terminated
  if (!ended?.exitCode) throw new Error(`pod ${metadata.namespace}/${metadata.name} failed with unknown exit code`)
  const message = ended.message ? `${ended.message}\n` : ''
  io.err(`pod ${metadata.namespace}/${metadata.name} terminated (${ended.reason ?? ''})\n${message}`)
  return ended.exitCode
}
