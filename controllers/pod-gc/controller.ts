import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore, isReason } from '../../api/errors.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import { timestamp } from '../../lib/clock.ts'
import { inParallel } from '../shared/in-parallel.ts'
import { isFinished } from '../shared/pod-state.ts'
import { plan, type Removal } from './plan.ts'

const everyMs = 20_000

/** Removes pods that nobody else will: too many that have ended, and those whose node is gone (pkg/controller/podgc). */
export function podGc({ terminatedThreshold = 12_500 } = {}): Controller {
  /** When the node of a pod was missed first, by node name, on our own clock. */
  const missingSince = new Map<string, number>()
  return {
    name: 'pod-gc',
    watches: [],
    reads: [Pod, Node],
    writes: [Pod],
    concurrency: 1,
    periodic: { everyMs, keys: () => ['all pods'] },
    async reconcile(context) {
      const { lister, client, clock } = context
      const nodes = lister(Node)
      const removals = plan({
        pods: lister(Pod).list(),
        nodeOf: name => nodes.get(name),
        missingSince,
        now: clock.monotonic(),
        terminatedThreshold,
      })
      const missing = new Set(removals.flatMap(({ missingNode }) => missingNode ?? []))
      // A cache that lags must not cost a pod its life. A node that is there after all is missed anew.
      for (const name of missing) {
        if (await isGone(client, name)) continue
        missing.delete(name)
        missingSince.delete(name)
      }
      const due = removals.filter(({ missingNode }) => missingNode === undefined || missing.has(missingNode))
      await inParallel(due, removal => remove(context, removal))
    },
  }
}

const isGone = (client: ReconcileContext['client'], name: string): Promise<boolean> =>
  client.get(Node, { name }).then(
    () => false,
    (error: unknown) => {
      if (isReason(error, 'NotFound')) return true
      throw error
    },
  )

async function remove({ client, clock }: ReconcileContext, { pod, rule, text, condition }: Removal): Promise<void> {
  const note = { rule: `pod-gc/${rule}`, text }
  const { uid } = pod.metadata
  if (!isFinished(pod)) {
    const observedGeneration = pod.metadata.generation
    const target = condition && { type: 'DisruptionTarget', status: 'True', observedGeneration, ...condition }
    const conditions = target && [{ ...target, lastTransitionTime: timestamp(clock.now()) }]
    const patch = { metadata: { uid }, status: { phase: 'Failed', observedGeneration, ...(conditions && { conditions }) } }
    await client
      .patch(Pod, pod.metadata, 'strategic', patch, { subresource: 'status', note })
      .catch(ignore('NotFound', 'Conflict'))
  }
  await client
    .delete(Pod, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid }, note })
    .catch(ignore('NotFound', 'Conflict'))
}
