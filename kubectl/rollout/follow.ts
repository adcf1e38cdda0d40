import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { Pod } from '../../api/core/pod.ts'
import { formatSelector, fromLabelSelector } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/transport.ts'
import { changes, limited } from '../changes.ts'
import { type CommandContext, flag } from '../command.ts'
import { parseDuration } from '../duration.ts'
import { coloursFor } from '../print/colour.ts'
import { redrawn } from '../print/redraw.ts'
import type { Session } from '../session.ts'
import { eachTarget, type Target } from '../targets.ts'
import { rolloutPicture } from './picture.ts'
import { rolloutStatus, statusOf } from './status.ts'
import { fetchWorkload, type Workload } from './workloads.ts'

/** `rollout status`: follows a rollout to its end; line by line, or on a terminal that of a Deployment as a picture. */
export async function status(context: CommandContext, words: readonly string[]): Promise<number> {
  const revision = flag.number(context, 'revision') ?? 0
  if (revision < 0) throw new Error(`revision must be a positive integer: ${revision}`)
  const timeoutInMs = parseDuration('timeout', flag.text(context, 'timeout') ?? '0')
  const { code } = await eachTarget(context, { words }, async (target, session) => {
    const { kind, group } = target.resource
    const otherKind = `no status viewer has been implemented for ${kind}${group && `.${group}`}`
    const workload = await fetchWorkload(session, target, otherKind)
    if (flag.maybe(context, 'watch') === false) return context.io.out(`${statusOf(workload, revision).text}\n`)
    const limit = limited(context, timeoutInMs)
    try {
      await follow({ context, session, target, workload, revision, signal: limit.signal })
      if (limit.isOver()) throw new Error('timed out waiting for the condition')
      if (context.signal.aborted) throw new Error('interrupted')
    } finally {
      limit.release()
    }
  })
  return code
}

interface Following {
  readonly context: CommandContext
  readonly session: Session
  readonly target: Target
  readonly workload: Workload
  readonly revision: number
  readonly signal: AbortSignal
}

/** Shows each change until the rollout is through or the signal aborts. Throws when it fails. */
async function follow(following: Following): Promise<void> {
  const { context, session, target, workload, revision, signal } = following
  const stop = new AbortController()
  const within = AbortSignal.any([signal, stop.signal])
  const canDraw = context.io.isTerminal && context.io.env.TERM !== 'dumb'
  const picture = canDraw && workload.kind === 'Deployment' ? await livePicture(following, workload.object, within) : undefined
  try {
    const fieldSelector = `metadata.name=${target.name}`
    for await (const change of changes(session, target.resource, target.namespace, { fieldSelector }, within)) {
      if (change.type === 'DELETED') throw new Error('object has been deleted')
      const seen = change.type === 'LISTED' ? change.objects : [change.object]
      for (const object of seen) {
        const { text, isDone } = statusOf({ kind: workload.kind, object } as unknown as Workload, revision)
        if (picture) picture.show(object as unknown as Deployment, text)
        else context.io.out(`${text}\n`)
        if (isDone) {
          picture?.finish(`${text}\n`)
          return
        }
      }
    }
  } finally {
    stop.abort()
    await picture?.done
  }
}

/** The picture of a rollout, redrawn whenever its Deployment, its ReplicaSets or its pods change. */
async function livePicture({ context, session }: Following, first: Deployment, signal: AbortSignal) {
  const { io } = context
  const colours = await coloursFor(io)
  const screen = redrawn(io)
  const map = await session.resources()
  const sets = new Map<string, KubeObject>()
  const pods = new Map<string, KubeObject>()
  let deployment = first
  let message = rolloutSummary(first)
  let isFinished = false

  const draw = () => {
    if (signal.aborted) return
    const shown = [...sets.values()] as unknown as ReplicaSet[]
    const running = [...pods.values()] as unknown as Pod[]
    const picture = rolloutPicture(deployment, shown, running, { colours, columns: io.columns })
    screen.draw(isFinished ? picture : [message.slice(0, io.columns), ...picture])
  }
  const labelSelector = formatSelector(fromLabelSelector(first.spec.selector))
  const keep = async (resource: string, known: Map<string, KubeObject>) => {
    for await (const change of changes(session, map.named(resource), first.metadata.namespace, { labelSelector }, signal)) {
      if (change.type === 'LISTED') {
        known.clear()
        for (const object of change.objects) known.set(object.metadata.uid, object)
      } else if (change.type === 'DELETED') known.delete(change.object.metadata.uid)
      else known.set(change.object.metadata.uid, change.object)
      if (!isFinished) draw()
    }
  }
  // The picture is an extra: without the right to see pods, the words remain.
  const done = Promise.allSettled([keep('replicasets.apps', sets), keep('pods', pods)])
  return {
    done,
    show(newest: Deployment, text: string) {
      deployment = newest
      message = text
      draw()
    },
    finish(text: string) {
      isFinished = true
      draw()
      io.out(text)
    },
  }
}

function rolloutSummary(deployment: Deployment): string {
  try {
    return rolloutStatus(deployment).text
  } catch (error) {
    return (error as Error).message
  }
}
