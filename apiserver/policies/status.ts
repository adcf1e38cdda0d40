import { ValidatingAdmissionPolicy } from '../../api/admissionregistration/validating-admission-policy.ts'
import { isReason } from '../../api/errors.ts'
import { users } from '../../api/user.ts'
import type { Log } from '../../lib/log.ts'
import type { KindTable } from '../kind-table.ts'
import type { Handle } from '../request.ts'

interface Options {
  readonly handle: Handle
  readonly kinds: () => KindTable
  readonly log: Log
}

/** Writes into the status of a policy what checking its expressions against their subjects has shown, once for each generation. */
export function policyStatus({ handle, kinds, log }: Options): (policy: ValidatingAdmissionPolicy) => void {
  const { group, version, plural: resource } = ValidatingAdmissionPolicy
  async function write(policy: ValidatingAdmissionPolicy): Promise<void> {
    const { name, generation } = policy.metadata
    const { expressionWarnings } = await import('./type-check.ts')
    const warnings = await expressionWarnings(policy, kinds())
    const typeChecking = { expressionWarnings: warnings.length > 0 ? warnings : null }
    const body = { metadata: { uid: policy.metadata.uid }, status: { observedGeneration: generation, typeChecking } }
    const target = { group, version, resource, name, subresource: 'status', user: users.apiServer }
    await handle({ ...target, verb: 'patch', patchType: 'merge', body })
  }
  return policy => {
    const { metadata, status } = policy
    if (metadata.deletionTimestamp || status.observedGeneration === metadata.generation) return
    write(policy).catch(err => {
      if (!isReason(err, 'NotFound', 'Conflict'))
        log.warn({ err, policy: metadata.name }, 'the status of a policy was not written')
    })
  }
}
