import type { HorizontalPodAutoscaler } from '../../api/autoscaling/horizontal-pod-autoscaler.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { type History, newHistory, withScaleEvent } from './history.ts'
import { settle } from './limits.ts'
import { measuring } from './measuring.ts'
import type { AutoscalingOptions } from './options.ts'
import { selectorBook } from './selectors.ts'
import type { Finding, Outcome } from './status.ts'
import { findTarget, rescale, type ScaleTarget } from './target.ts'

interface Dependencies {
  readonly options: AutoscalingOptions
  readonly kindsOf: (group: string, kind: string) => readonly AnyKind[]
}

/** What a look at an autoscaler came to, and what went wrong, if anything did. */
export interface Attempt {
  readonly outcome: Outcome
  /** `event` where it is to be told as an Event of this reason, after the status was written. */
  readonly failure?: { readonly message: string; readonly event?: string } | undefined
}

/** How many there should be, and why. */
interface Decision {
  readonly findings: readonly Finding[]
  /** Undefined: nobody can say. */
  readonly desired?: number
  readonly isToScale: boolean
  readonly reason: string
  readonly metrics?: Outcome['metrics']
  readonly failure?: string | undefined
}

type Autoscaler = HorizontalPodAutoscaler

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
const able = (reason: string, message: string): Finding => ({ type: 'AbleToScale', status: 'True', reason, message })
const unable = (reason: string, message: string): Finding => ({ type: 'AbleToScale', status: 'False', reason, message })

/** One look after another at autoscalers, and what is remembered between them (horizontal.go reconcileAutoscaler). */
export function autoscaling({ options, kindsOf }: Dependencies) {
  const histories = new Map<string, History>()
  const selectors = selectorBook()
  const measure = measuring({ options, kindsOf, selectors })

  async function look(context: ReconcileContext, autoscaler: Autoscaler, key: string): Promise<Attempt> {
    const { client, clock, events } = context
    const { spec } = autoscaler
    let target: ScaleTarget
    try {
      target = await findTarget(client, kindsOf, autoscaler.metadata.namespace, spec.scaleTargetRef)
    } catch (error) {
      const why = messageOf(error)
      events.record(autoscaler, 'Warning', 'FailedGetScale', why)
      const message = `the HPA controller was unable to get the target's current scale: ${why}`
      return { outcome: { findings: [unable('FailedGetScale', message)] }, failure: { message } }
    }
    const current = target.scale.spec.replicas
    if (!histories.has(key)) histories.set(key, newHistory(current, clock.now()))
    const decision = await decide(context, autoscaler, target, key)
    const { failure, metrics, desired, isToScale } = decision
    const found = able('SucceededGetScale', "the HPA controller was able to get the target's current scale")
    const findings = [found, ...decision.findings]
    if (desired === undefined) {
      const sizes = { current, desired: autoscaler.status.desiredReplicas }
      const event = 'FailedComputeMetricsReplicas'
      return { outcome: { findings, sizes, metrics }, failure: { message: failure ?? '', event } }
    }
    const told = failure !== undefined && { failure: { message: failure } }
    if (!isToScale) return { outcome: { findings, sizes: { current, desired: current }, metrics }, ...told }
    const scaled = await scale(context, autoscaler, target, { ...decision, desired }, key)
    const sizes = { current, desired: scaled.failure ? autoscaler.status.desiredReplicas : desired }
    const outcome = { findings: [...findings, scaled.finding], sizes, metrics, hasScaled: !scaled.failure }
    return { outcome, ...told, ...(scaled.failure && { failure: scaled.failure }) }
  }

  async function decide(context: ReconcileContext, autoscaler: Autoscaler, target: ScaleTarget, key: string): Promise<Decision> {
    const { minReplicas: min, maxReplicas: max, behavior } = autoscaler.spec
    const current = target.scale.spec.replicas
    if (current === 0 && min !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero'
      const finding: Finding = { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message }
      return { findings: [finding], desired: 0, isToScale: false, reason: '' }
    }
    const unmeasured = { findings: [], isToScale: true }
    if (current > max) return { ...unmeasured, desired: max, reason: 'Current number of replicas above Spec.MaxReplicas' }
    if (current < min) return { ...unmeasured, desired: min, reason: 'Current number of replicas below Spec.MinReplicas' }
    const verdict = await measure(context, autoscaler, target.scale, key)
    const { finding, failure, statuses: metrics } = verdict
    if (!('replicas' in verdict)) return { findings: [finding], isToScale: false, reason: '', metrics, failure }
    const wanted = verdict.replicas
    const now = context.clock.now()
    const history = histories.get(key) ?? newHistory(current, now)
    const settled = settle({ current, desired: wanted, min, max }, behavior, history, { now, ...options })
    histories.set(key, settled.history)
    const { able: ability, limit, isLimited, replicas: desired } = settled
    const limited: Finding = { type: 'ScalingLimited', status: isLimited ? 'True' : 'False', ...limit }
    const findings = [finding, able(ability.reason, ability.message), limited]
    const reason = wanted > current ? `${verdict.metric} above target` : wanted < current ? 'All metrics below target' : ''
    return { findings, desired, isToScale: desired !== current, reason, metrics, failure }
  }

  /** Makes it so many, and tells that it did, or could not. */
  async function scale(
    { client, clock, events }: ReconcileContext,
    autoscaler: Autoscaler,
    target: ScaleTarget,
    { desired, reason, metrics }: Decision & { desired: number },
    key: string,
  ): Promise<{ finding: Finding; failure?: Attempt['failure'] }> {
    const current = target.scale.spec.replicas
    const note = { text: `${current} become ${desired}: ${reason}`, data: { current, desired, ...(metrics && { metrics }) } }
    try {
      await rescale(client, clock, target, desired, { rule: 'horizontal-pod-autoscaler/scale', ...note })
    } catch (error) {
      const why = messageOf(error)
      events.record(autoscaler, 'Warning', 'FailedRescale', `New size: ${desired}; reason: ${reason}; error: ${why}`)
      const message = `the HPA controller was unable to update the target scale: ${why}`
      return { finding: unable('FailedUpdateScale', message), failure: { message } }
    }
    events.record(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${desired}; reason: ${reason}`)
    const now = clock.now()
    const history = histories.get(key) ?? newHistory(current, now)
    histories.set(key, withScaleEvent(history, autoscaler.spec.behavior, { from: current, to: desired }, now))
    const message = `the HPA controller was able to update the target scale to ${desired}`
    return { finding: able('SucceededRescale', message) }
  }

  return {
    look,
    /** Of an autoscaler that is gone. */
    forget(key: string): void {
      histories.delete(key)
      selectors.forget(key)
    },
  }
}
