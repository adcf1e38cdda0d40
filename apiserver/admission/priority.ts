import { Pod } from '../../api/core/pod.ts'
import { forbiddenError } from '../../api/errors.ts'
import type { Draft } from '../../api/kind.ts'
import { PriorityClass } from '../../api/scheduling/priority-class.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { AdmissionStep, Attempt } from '../admission.ts'

/** Resolves a pod's priority class into figures (semantics A10; k8s.io/kubernetes/plugin/pkg/admission/priority). */
export const priority: AdmissionStep = {
  name: 'Priority',
  kinds: [Pod],
  operations: ['CREATE'],
  admit(attempt, { access }) {
    const asked = (attempt.object as unknown as Draft<Pod>).spec.priorityClassName
    if (asked)
      return access.lookUp(PriorityClass, undefined, asked, found => resolve(attempt, found as PriorityClass | undefined))
    const classes = access.allAtHand(PriorityClass)
    if (classes) return resolve(attempt, standardOf(classes))
    return access.all(PriorityClass).then(all => resolve(attempt, standardOf(all)))
  },
}

function resolve({ kind, object }: Attempt, found: PriorityClass | undefined): void {
  const { spec, metadata } = object as unknown as Draft<Pod>
  const forbid = (why: string) => forbiddenError(kind, metadata.name, why)
  const asked = spec.priorityClassName
  if (asked && !found) throw forbid(`no PriorityClass with name ${asked} was found`)
  const value = found?.value ?? 0
  const preemptionPolicy = found?.preemptionPolicy ?? 'PreemptLowerPriority'
  if (spec.priority !== undefined && spec.priority !== value) {
    const rule = 'must not be provided in pod spec; priority admission controller computed'
    throw forbid(`the integer value of priority (${spec.priority}) ${rule} ${value} from the given PriorityClass name`)
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy) {
    const rule = 'must not be provided in pod spec; priority admission controller computed'
    throw forbid(
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) ${rule} ${preemptionPolicy} from the given PriorityClass name`,
    )
  }
  if (!asked && found) spec.priorityClassName = found.metadata.name
  spec.priority = value
  spec.preemptionPolicy = preemptionPolicy
}

/** There is at most one default class. */
export const singleDefaultPriority: AdmissionStep = {
  name: 'Priority',
  kinds: [PriorityClass],
  operations: ['CREATE', 'UPDATE'],
  async check({ kind, object }, { access }) {
    const { globalDefault, metadata } = object as unknown as Draft<PriorityClass>
    const present = globalDefault ? standardOf(await access.all(PriorityClass)) : undefined
    if (!present || present.metadata.name === metadata.name) return
    const why = `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`
    throw forbiddenError(kind, metadata.name, why)
  },
}

/** The class of pods that name none: the lowest, should there be several after all. */
function standardOf(classes: readonly KubeObject[]): PriorityClass | undefined {
  return (classes as readonly PriorityClass[]).filter(each => each.globalDefault).sort((a, b) => a.value - b.value)[0]
}
