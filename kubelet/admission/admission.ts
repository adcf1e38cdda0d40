import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { admitPod, type NodeRefusal } from '../../api/placement/admit.ts'
import { qosClassOf } from '../../api/placement/qos.ts'
import { tolerates } from '../../api/placement/tolerations.ts'
import { isCriticalPod } from '../pod-types.ts'
import type { RuntimeFeatures } from '../runtime/runtime.ts'
import { messageOf } from '../sync/sync-error.ts'
import { refusedForFeatures } from './node-features.ts'
import { refusedForSysctls } from './sysctls.ts'

export interface AdmissionInput {
  readonly pod: Pod
  readonly node: Node
  /** Admitted pods that have not finished, with what they have been given. */
  readonly others: readonly Pod[]
  /** Pressure conditions that are True now: `MemoryPressure`, ... */
  readonly pressures: readonly string[]
  /** What the runtime can do, for a pod that depends on it (needsFeatures). */
  readonly features?: RuntimeFeatures | undefined
  /** KubeletConfig.allowedUnsafeSysctls. */
  readonly allowedUnsafeSysctls?: readonly string[]
}

/** One who may refuse a pod; `undefined`: no objection. */
export type AdmitHandler = (input: AdmissionInput) => NodeRefusal | undefined

interface HandlerOptions {
  /** Chooses devices for the pod; throws when it cannot. */
  readonly reserveDevices?: (pod: Pod) => void
  /** Refuses everybody while the node shuts down. */
  readonly shutdown?: { refusal(): NodeRefusal | undefined }
}

/** Everybody who is asked, in the order in which they are (semantics C9). */
export function admitHandlers({ reserveDevices, shutdown }: HandlerOptions = {}): AdmitHandler[] {
  return [
    refusedUnderPressure,
    refusedForSysctls,
    ({ pod }) => reserveDevices && refusedForDevices(pod, reserveDevices),
    refusedForFeatures,
    ({ pod, node, others }) => admitPod(pod, node, others),
    () => shutdown?.refusal(),
  ]
}

const withoutDevices = admitHandlers()

/** Whether a pod may start here: the first refusal counts. `undefined`: it may. */
export function refusePod(input: AdmissionInput, handlers: readonly AdmitHandler[] = withoutDevices): NodeRefusal | undefined {
  for (const handler of handlers) {
    const refusal = handler(input)
    if (refusal) return refusal
  }
  return undefined
}

/** Critical pods always; while only memory is short, whoever asked for some, or tolerates the taint (semantics C11). */
function refusedUnderPressure({ pod, pressures }: AdmissionInput): NodeRefusal | undefined {
  if (pressures.length === 0 || isCriticalPod(pod)) return undefined
  if (pressures.length === 1 && pressures[0] === 'MemoryPressure') {
    if (qosClassOf(pod.spec) !== 'BestEffort') return undefined
    const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' }
    if (pod.spec.tolerations?.some(toleration => tolerates(toleration, taint))) return undefined
  }
  return { reason: 'Evicted', message: `The node had condition: [${pressures.join(', ')}]. ` }
}

function refusedForDevices(pod: Pod, reserve: (pod: Pod) => void): NodeRefusal | undefined {
  try {
    reserve(pod)
    return undefined
  } catch (error) {
    return deviceRefusal(error)
  }
}

/** What a pod is told whose devices could not be had. */
export function deviceRefusal(error: unknown): NodeRefusal {
  return { reason: 'UnexpectedAdmissionError', message: `Allocate failed due to ${messageOf(error)}, which is unexpected` }
}
