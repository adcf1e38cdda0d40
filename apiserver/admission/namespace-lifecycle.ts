import { Namespace } from '../../api/core/namespace.ts'
import { ApiError, forbiddenError, notFound } from '../../api/errors.ts'
import type { AdmissionStep, Attempt } from '../admission.ts'

const isUsable: AdmissionStep['admit'] = (attempt, { access }) => {
  const { kind, namespace } = attempt
  if (!kind.namespaced || !namespace) return undefined
  return access.lookUp(Namespace, undefined, namespace, found => checkUsable(attempt, namespace, found as Namespace | undefined))
}

/**
 * Nothing is created in a namespace that is missing or on its way out (k8s.io/apiserver/.../plugin/namespace/lifecycle). Asked again at
 * the end: a webhook may have taken longer than the namespace to go.
 */
export const namespaceLifecycle: AdmissionStep = {
  name: 'NamespaceLifecycle',
  operations: ['CREATE'],
  admit: isUsable,
  charge: isUsable,
}

function checkUsable({ kind, object }: Attempt, namespace: string, found: Namespace | undefined): void {
  if (!found) throw notFound(Namespace, namespace)
  if (!found.metadata.deletionTimestamp && found.status.phase !== 'Terminating') return
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`
  const { message, status } = forbiddenError(kind, object.metadata.name, why)
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  }
  throw new ApiError('Forbidden', message, { details: { ...status.details, causes: [cause] } })
}
