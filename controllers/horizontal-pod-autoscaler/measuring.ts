import { HorizontalPodAutoscaler } from '../../api/autoscaling/horizontal-pod-autoscaler.ts'
import type { Scale } from '../../api/autoscaling/scale.ts'
import type { AnyKind } from '../../api/kind.ts'
import { parseQuantity } from '../../api/quantity.ts'
import { formatSelector, type LabelRequirements, parseLabelSelector } from '../../api/selectors.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { type Verdict, verdictOf } from './decision.ts'
import { metricsClient } from './metrics.ts'
import type { AutoscalingOptions } from './options.ts'
import { podFigures } from './pod-metrics.ts'
import { type Inquiry, type Proposal, proposalOf } from './proposal.ts'
import type { Tolerance } from './replicas.ts'
import { selectedPods } from './selected-pods.ts'
import type { SelectorBook } from './selectors.ts'

interface Dependencies {
  readonly options: AutoscalingOptions
  readonly kindsOf: (group: string, kind: string) => readonly AnyKind[]
  readonly selectors: SelectorBook
}

const nano = 1e9

/** By how much the metrics of an autoscaler may be off. */
export function toleranceOf(
  { spec }: Pick<HorizontalPodAutoscaler, 'spec'>,
  { tolerance, ownTolerances }: AutoscalingOptions,
): Tolerance {
  const own = (direction: 'scaleUp' | 'scaleDown') => {
    const given = ownTolerances ? spec.behavior?.[direction]?.tolerance : undefined
    return given === undefined ? tolerance : Number(parseQuantity(given).nano) / nano
  }
  return { up: own('scaleUp'), down: own('scaleDown') }
}

/** Asks for all metrics of an autoscaler, and tells what cannot be asked or answered; never rejects. */
export function measuring({ options, kindsOf, selectors }: Dependencies) {
  const figures = podFigures(options.syncPeriodInMs / 3)
  return async (
    { client, clock, events, lister }: Pick<ReconcileContext, 'client' | 'clock' | 'events' | 'lister'>,
    autoscaler: HorizontalPodAutoscaler,
    { spec: { replicas: current }, status: { replicas: present, selector: text = '' } }: Scale,
    key: string,
  ): Promise<Verdict> => {
    const { namespace } = autoscaler.metadata
    const warn = (reason: string, message: string) => events.record(autoscaler, 'Warning', reason, message)
    if (text === '') {
      warn('SelectorRequired', 'selector is required')
      return refusal('InvalidSelector', 'selector is required', "the HPA target's scale is missing a selector")
    }
    let selector: LabelRequirements
    try {
      selector = parseLabelSelector(text)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const message = `couldn't convert selector into a corresponding internal selector object: ${why}`
      warn('InvalidSelector', message)
      return refusal('InvalidSelector', message)
    }
    selectors.set(key, namespace, selector)
    const pods = selectedPods(lister, namespace, selector)
    // What was remembered of those that have gone unnoticed does not count.
    const all = lister(HorizontalPodAutoscaler)
    const selecting = selectors.selecting(namespace, pods).filter(each => all.get(each))
    if (selecting.length > 1) {
      const names = selecting.map(each => `{${each.slice(namespace.length + 1)} ${namespace}}`).join(' ')
      const message = `pods by selector ${text} are controlled by multiple HPAs: [${names}]`
      warn('AmbiguousSelector', message)
      return refusal('AmbiguousSelector', message)
    }
    const tolerance = toleranceOf(autoscaler, options)
    const inquiry: Inquiry = {
      metrics: metricsClient({ client, figures, kindsOf, now: clock.now() }),
      situation: { ...options, current, pods, tolerance, now: clock.now() },
      namespace,
      selector: formatSelector(selector),
      present,
    }
    const { metrics = [] } = autoscaler.spec
    const proposals: Proposal[] = []
    for (const metric of metrics) {
      const proposal = await proposalOf(metric, inquiry)
      if ('why' in proposal) warn(proposal.reason, proposal.why)
      proposals.push(proposal)
    }
    return verdictOf(metrics, proposals, current)
  }
}

function refusal(reason: string, failure: string, message = failure): Verdict {
  return { failure, finding: { type: 'ScalingActive', status: 'False', reason, message } }
}
