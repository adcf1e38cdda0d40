import { Pod } from '../../api/core/pod.ts'
import { forbiddenError } from '../../api/errors.ts'
import type { Draft } from '../../api/kind.ts'
import { PriorityClass } from '../../api/scheduling/priority-class.ts'
import type { Access } from '../access.ts'
import type { AdmissionStep } from '../admission.ts'

/** Resolves a pod's priority class into figures (semantics A10; k8s.io/kubernetes/plugin/pkg/admission/priority). */
export const priority: AdmissionStep = {
  name: 'Priority',
  kinds: [Pod],
  operations: ['CREATE'],
  async admit({ kind, object }, { access }) {
    const { spec, metadata } = object as unknown as Draft<Pod>
    const forbid = (why: string) => forbiddenError(kind, metadata.name, why)
    const asked = spec.priorityClassName
    const found = asked
      ? ((await access.get(PriorityClass, undefined, asked)) as PriorityClass | undefined)
      : await standard(access)
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
  },
}

/** There is at most one default class. */
export const singleDefaultPriority: AdmissionStep = {
  name: 'Priority',
  kinds: [PriorityClass],
  operations: ['CREATE', 'UPDATE'],
  async check({ kind, object }, { access }) {
    const { globalDefault, metadata } = object as unknown as Draft<PriorityClass>
    const present = globalDefault ? await standard(access) : undefined
    if (!present || present.metadata.name === metadata.name) return
    const why = `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`
    throw forbiddenError(kind, metadata.name, why)
  },
}

/** The class of pods that name none: the lowest, should there be several after all. */
async function standard(access: Access): Promise<PriorityClass | undefined> {
  const classes = (await access.all(PriorityClass)) as readonly PriorityClass[]
  return classes.filter(each => each.globalDefault).sort((a, b) => a.value - b.value)[0]
}
