import { notFound } from '../../api/errors.ts'
import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../api/rbac/cluster-role-binding.ts'
import { Role } from '../../api/rbac/role.ts'
import { RoleBinding } from '../../api/rbac/role-binding.ts'
import type { KubeObject } from '../../api/transport.ts'
import { deepEqual } from '../../lib/json.ts'
import { certificateSigners } from '../admission/certificate-requests.ts'
import type { AdmissionStep, Attempt } from '../admission.ts'
import { type Authorizer, mastersGroup } from './authorizer.ts'
import { refuseBinding, refuseRole } from './escalation.ts'
import { nodeRestriction } from './node-restriction.ts'
import { forbidAttempt } from './refusal.ts'
import type { BindingLike, RoleLike } from './rules.ts'

/** The admission steps that know about users: nobody grants more than he holds, and kubelets keep to their own node. */
export function authAdmission(authorizer: Authorizer): readonly AdmissionStep[] {
  return [
    ...certificateSigners((user, verb, name) => {
      const signer = { verb, group: 'certificates.k8s.io', version: '*', resource: 'signers', name }
      return authorizer.authorize(user, signer).allowed
    }),
    {
      name: 'RoleEscalation',
      kinds: [Role, ClusterRole],
      operations: ['CREATE', 'UPDATE'],
      check(attempt) {
        if (mayAnything(attempt) || onlyForGarbageCollector(attempt)) return
        const role = attempt.object as unknown as RoleLike
        const old = attempt.old as unknown as RoleLike | undefined
        const why = refuseRole(authorizer, attempt.user, role, { isCluster: attempt.kind === ClusterRole, old })
        if (why) throw forbidAttempt(attempt, why)
      },
    },
    {
      name: 'BindingEscalation',
      kinds: [RoleBinding, ClusterRoleBinding],
      operations: ['CREATE', 'UPDATE'],
      check(attempt) {
        if (mayAnything(attempt) || onlyForGarbageCollector(attempt)) return
        const binding = attempt.object as unknown as BindingLike
        const verdict = refuseBinding(authorizer, attempt.user, binding)
        if (verdict === 'no such role') {
          throw notFound(binding.roleRef.kind === 'Role' ? Role : ClusterRole, binding.roleRef.name)
        }
        if (verdict) throw forbidAttempt(attempt, verdict.refusal)
      },
    },
    nodeRestriction,
  ]
}

const mayAnything = ({ user }: Attempt) => user.groups.includes(mastersGroup)

const forGarbageCollector = ['ownerReferences', 'finalizers', 'managedFields', 'resourceVersion'] as const

/** Owners and finalizers have to come off roles that nobody who takes them off could grant (pkg/registry/rbac/helpers.go). */
function onlyForGarbageCollector({ object, old }: Attempt): boolean {
  if (!old) return false
  return deepEqual(withoutThose(object as unknown as KubeObject), withoutThose(old))
}

function withoutThose(object: KubeObject): object {
  const metadata: Record<string, unknown> = { ...object.metadata }
  for (const field of forGarbageCollector) delete metadata[field]
  return { ...object, metadata }
}
