import { HorizontalPodAutoscaler } from '../../api/autoscaling/horizontal-pod-autoscaler.ts'
import { Pod } from '../../api/core/pod.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { deepEqual } from '../../lib/json.ts'
import { podsByLabel } from '../shared/label-index.ts'
import { type Attempt, autoscaling } from './autoscaling.ts'
import { type AutoscalingOptions, defaultAutoscaling } from './options.ts'
import { type Outcome, statusOf } from './status.ts'

/**
 * Keeps the size of what can be scaled in step with its load (pkg/controller/podautoscaler). Every autoscaler is looked at once in
 * each period, and for the first time one period after it was seen; what happens meanwhile waits.
 */
export function horizontalPodAutoscaler(
  served: readonly AnyKind[],
  given: { readonly [Name in keyof AutoscalingOptions]?: AutoscalingOptions[Name] | undefined } = {},
): Controller {
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  const options: AutoscalingOptions = { ...defaultAutoscaling, ...Object.fromEntries(set) }
  const due = new Map<string, number>()
  let custom: readonly AnyKind[] = []
  const kindsOf = (group: string, kind: string) => [...served, ...custom].filter(one => one.kind === kind && one.group === group)
  const { look, forget } = autoscaling({ options, kindsOf })

  return {
    name: 'horizontal-pod-autoscaler',
    source: 'horizontal-pod-autoscaler',
    watches: [on(HorizontalPodAutoscaler)],
    reads: [Pod],
    indexes: [podsByLabel],
    writes: [HorizontalPodAutoscaler],
    writesSubresources: ['scale'],
    custom: { changed: kinds => void (custom = kinds) },

    async reconcile(context, key) {
      const autoscaler = context.lister(HorizontalPodAutoscaler).get(key)
      const { clock } = context
      if (!autoscaler) {
        due.delete(key)
        forget(key)
        return
      }
      const at = due.get(key) ?? clock.now() + options.syncPeriodInMs
      due.set(key, at)
      if (clock.now() < at) return { requeueAfterMs: at - clock.now() }
      const attempt = await look(context, autoscaler, key)
      await tell(context, autoscaler, attempt)
      due.set(key, clock.now() + options.syncPeriodInMs)
      return { requeueAfterMs: options.syncPeriodInMs }
    },
  }
}

/** Writes the status if it says anything new, and tells what went wrong; a failure waits for the next period like everything else. */
async function tell(
  context: ReconcileContext,
  autoscaler: HorizontalPodAutoscaler,
  { outcome, failure }: Attempt,
): Promise<void> {
  const { client, clock, events, log } = context
  const status = statusOf(autoscaler.status, outcome, clock.now())
  if (!deepEqual(status, autoscaler.status)) {
    try {
      await client.updateStatus(HorizontalPodAutoscaler, { ...autoscaler, status }, { note: noteOf(outcome) })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      events.record(autoscaler, 'Warning', 'FailedUpdateStatus', message)
      log.debug({ err: error }, 'the status of an autoscaler could not be written')
    }
  }
  if (failure?.event) events.record(autoscaler, 'Warning', failure.event, failure.message)
  if (failure) log.debug({ why: failure.message }, 'an autoscaler cannot do its work')
}

function noteOf({ findings, sizes }: Outcome) {
  const said = new Map(findings.map(({ type, message }) => [type, message]))
  const text = [...said.values()].join('; ')
  return { rule: 'horizontal-pod-autoscaler/status', text, data: { ...sizes } }
}
