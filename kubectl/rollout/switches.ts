import { timestamp } from '../../lib/clock.ts'
import type { CommandContext } from '../command.ts'
import { callOf } from '../objects.ts'
import { qualifiedName } from '../resources.ts'
import { resultPrinter } from '../result.ts'
import { eachTarget } from '../targets.ts'
import { fetchWorkload, type Workload } from './workloads.ts'

/** A small change to a workload. */
interface Switch {
  /** What is said when it is done. */
  readonly done: string
  /** What is said of other kinds. */
  readonly otherKind: string
  /** Undefined for kinds that do not know it; throws when it cannot be. */
  readonly patch: (workload: Workload, now: number) => object | undefined
}

export const switches: Readonly<Record<'pause' | 'resume' | 'restart', Switch>> = {
  pause: {
    done: 'paused',
    otherKind: 'pausing is not supported',
    patch({ kind, object }) {
      if (kind !== 'Deployment') return undefined
      if (object.spec.paused) throw new Error('is already paused')
      return { spec: { paused: true } }
    },
  },
  resume: {
    done: 'resumed',
    otherKind: 'resuming is not supported',
    patch({ kind, object }) {
      if (kind !== 'Deployment') return undefined
      if (!object.spec.paused) throw new Error('is not paused')
      return { spec: { paused: null } }
    },
  },
  restart: {
    done: 'restarted',
    otherKind: 'restarting is not supported',
    patch({ kind, object }, now) {
      const { metadata, spec } = object
      if (kind === 'Deployment' && object.spec.paused)
        throw new Error("can't restart paused deployment (run rollout resume first)")
      const restartedAt = timestamp(now)
      if (spec.template.metadata?.annotations?.['kubectl.kubernetes.io/restartedAt'] === restartedAt) {
        throw new Error(
          `failed to create patch for ${metadata.name}: if restart has already been triggered within the past second, please wait before attempting to trigger another`,
        )
      }
      return { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': restartedAt } } } } }
    },
  },
}

/** `rollout pause`, `resume` and `restart`. */
export async function flip(context: CommandContext, name: keyof typeof switches, words: readonly string[]): Promise<number> {
  const { done, otherKind, patch } = switches[name]
  const print = resultPrinter(context)
  const { code } = await eachTarget(context, { words }, async (target, session) => {
    const subject = `${qualifiedName(target.resource)} "${target.name}"`
    const workload = await fetchWorkload(session, target, `${subject} ${otherKind}`)
    let body: object | undefined
    try {
      body = patch(workload, context.io.now())
    } catch (error) {
      const { message } = error as Error
      throw new Error(message.startsWith('failed') ? message : `${subject} ${message}`, { cause: error })
    }
    if (!body) throw new Error(`${subject} ${otherKind}`)
    const call = callOf('patch', target.resource, workload.object.metadata, { body, patchType: 'strategic' })
    await print(target, done, await session.transport.call(call))
  })
  return code
}
