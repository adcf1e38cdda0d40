import { Pod } from '../../api/core/pod.ts'
import { forbiddenError } from '../../api/errors.ts'
import type { Draft } from '../../api/kind.ts'
import { RuntimeClass } from '../../api/node/runtime-class.ts'
import { compareQuantities, parseQuantity } from '../../api/quantity.ts'
import { copy, deepEqual } from '../../lib/json.ts'
import type { AdmissionContext, AdmissionStep, Attempt } from '../admission.ts'

type Toleration = NonNullable<Draft<Pod>['spec']['tolerations']>[number]

/** What a runtime class asks of its pods goes into them (k8s.io/kubernetes/plugin/pkg/admission/runtimeclass). */
export const runtimeClass: AdmissionStep = {
  name: 'RuntimeClass',
  kinds: [Pod],
  operations: ['CREATE'],
  admit: (attempt, context) => (specOf(attempt).runtimeClassName === undefined ? undefined : complete(attempt, context)),
  check(attempt, context) {
    const { overhead, runtimeClassName } = specOf(attempt)
    return overhead || runtimeClassName ? refuse(attempt, context) : undefined
  },
}

const specOf = ({ object }: Attempt) => (object as unknown as Draft<Pod>).spec

async function complete(attempt: Attempt, context: AdmissionContext): Promise<void> {
  const spec = specOf(attempt)
  const found = await classOf(attempt, context)
  if (found?.overhead) {
    const fixed = found.overhead.podFixed ?? {}
    if (Object.keys(spec.overhead ?? {}).length > 0 && !sameAmounts(fixed, spec.overhead)) throw forbid(attempt, mismatch)
    spec.overhead = { ...fixed }
  }
  if (!found?.scheduling) return
  const { nodeSelector = {}, tolerations = [] } = found.scheduling
  for (const [key, value] of Object.entries(nodeSelector)) {
    const own = spec.nodeSelector?.[key]
    if (own === undefined || own === value) continue
    const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`
    throw forbid(attempt, why)
  }
  if (Object.keys(nodeSelector).length > 0) spec.nodeSelector = { ...spec.nodeSelector, ...nodeSelector }
  if (tolerations.length > 0) spec.tolerations = merged([...(spec.tolerations ?? []), ...copy(tolerations)])
}

async function refuse(attempt: Attempt, context: AdmissionContext): Promise<void> {
  const spec = specOf(attempt)
  const found = await classOf(attempt, context)
  if (found?.overhead) {
    if (!sameAmounts(found.overhead.podFixed ?? {}, spec.overhead)) throw forbid(attempt, mismatch)
  } else if (spec.overhead) {
    throw forbid(attempt, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
  }
}

const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
const forbid = ({ kind, object }: Attempt, why: string) => forbiddenError(kind, object.metadata.name, why)

async function classOf(attempt: Attempt, { access }: AdmissionContext): Promise<RuntimeClass | undefined> {
  const { runtimeClassName } = specOf(attempt)
  if (runtimeClassName === undefined) return undefined
  const found = await access.get(RuntimeClass, undefined, runtimeClassName)
  if (!found) throw forbid(attempt, `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`)
  return found as RuntimeClass
}

type Amounts = Readonly<Record<string, string>>

function sameAmounts(a: Amounts, b: Amounts = {}): boolean {
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every(name => {
    const [one, other] = [a[name], b[name]]
    return one !== undefined && other !== undefined && compareQuantities(parseQuantity(one), parseQuantity(other)) === 0
  })
}

/** Without those that another one covers (k8s.io/kubernetes/pkg/util/tolerations). */
function merged(all: readonly Toleration[]): Toleration[] {
  const kept: Toleration[] = []
  for (const [i, toleration] of all.entries()) {
    const isCovered =
      kept.some(each => covers(each, toleration)) ||
      all.slice(i + 1).some(each => !deepEqual(each, toleration) && covers(each, toleration))
    if (!isCovered) kept.push(toleration)
  }
  return kept
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (deepEqual(wide, narrow)) return true
  const { key = '', operator = 'Equal', value = '', effect, tolerationSeconds } = wide
  if (key !== (narrow.key ?? '') && (key !== '' || operator !== 'Exists')) return false
  if (effect && effect !== narrow.effect) return false
  if (effect === 'NoExecute' && tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > tolerationSeconds) return false
  }
  return operator === 'Exists' || ((narrow.operator ?? 'Equal') === 'Equal' && value === (narrow.value ?? ''))
}
