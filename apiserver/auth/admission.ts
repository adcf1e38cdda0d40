import { forbiddenError } from '../../api/errors.ts'
import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../api/rbac/cluster-role-binding.ts'
import { Role } from '../../api/rbac/role.ts'
import { RoleBinding } from '../../api/rbac/role-binding.ts'
import { deepEqual } from '../../lib/json.ts'
import type { AdmissionStep, Attempt } from '../admission.ts'
import type { Authorizer } from './authorizer.ts'
import { refuseBinding, refuseRole } from './escalation.ts'
import { refuseForNode } from './node-authorizer.ts'
import type { BindingLike, RoleLike } from './rules.ts'

/** The admission steps that know about users: nobody grants more than he holds, and kubelets keep to their own node. */
export function authAdmission(authorizer: Authorizer): readonly AdmissionStep[] {
  return [
    {
      name: 'RoleEscalation',
      kinds: [Role, ClusterRole],
      operations: ['CREATE', 'UPDATE'],
      check(attempt) {
        const role = attempt.object as unknown as RoleLike
        const old = attempt.old as unknown as RoleLike | undefined
        if (old && deepEqual(role.rules, old.rules) && deepEqual(role.aggregationRule, old.aggregationRule)) return
        refuse(attempt, refuseRole(authorizer, attempt.user, role, attempt.kind.kind === ClusterRole.kind))
      },
    },
    {
      name: 'BindingEscalation',
      kinds: [RoleBinding, ClusterRoleBinding],
      operations: ['CREATE', 'UPDATE'],
      check(attempt) {
        const binding = attempt.object as unknown as BindingLike
        const old = attempt.old as unknown as BindingLike | undefined
        if (old && deepEqual(binding.roleRef, old.roleRef) && deepEqual(binding.subjects, old.subjects)) return
        refuse(attempt, refuseBinding(authorizer, attempt.user, binding))
      },
    },
    {
      name: 'NodeRestriction',
      operations: ['CREATE'],
      check(attempt) {
        const { kind, user, subresource, object } = attempt
        const attributes = { verb: 'create', group: kind.group, resource: kind.plural, subresource }
        refuse(attempt, refuseForNode(user, attributes, object as Parameters<typeof refuseForNode>[2]))
      },
    },
  ]
}

function refuse({ kind, object }: Attempt, why: string | undefined): void {
  if (why) throw forbiddenError(kind, object.metadata.name, why)
}
