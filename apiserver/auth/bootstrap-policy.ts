import { ignore } from '../../api/errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../api/rbac/cluster-role-binding.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Handle } from '../request.ts'
import { defaultClusterRoleBindings, defaultClusterRoles } from './default-roles.ts'
import { missingRules } from './escalation.ts'
import { serverUser } from './followed.ts'

interface Options {
  readonly handle: Handle
  readonly signal: AbortSignal
}

/**
 * Makes sure that the default roles and bindings are there: creates what is missing, and gives back rules and subjects that were
 * taken away, unless the object's autoupdate annotation is "false". Several servers may do this at once.
 */
export async function bootstrapPolicy({ handle, signal }: Options): Promise<void> {
  const ensureAll = async (kind: AnyKind, wanted: readonly Wanted[], repair: Repair) => {
    const target = { group: kind.group, version: kind.version, resource: kind.plural, user: serverUser, signal } as const
    const response = await handle({ ...target, verb: 'list', options: {} })
    const existing = new Map(response.type === 'list' ? response.items.map(({ object }) => [object.metadata.name, object]) : [])
    const write = async (body: Wanted) => {
      const old = existing.get(body.metadata.name)
      if (!old) return handle({ ...target, verb: 'create', body }).catch(ignore('AlreadyExists'))
      const changed = old.metadata.annotations?.[autoupdate] === 'false' ? undefined : repair(old, body)
      if (changed) await handle({ ...target, name: old.metadata.name, verb: 'update', body: changed }).catch(ignore('Conflict'))
    }
    await Promise.all(wanted.map(write)) // together, so that they share a few syncs of the disk
  }
  await Promise.all([
    ensureAll(ClusterRole, defaultClusterRoles, repairRole),
    ensureAll(ClusterRoleBinding, defaultClusterRoleBindings, repairBinding),
  ])
}

const autoupdate = 'rbac.authorization.kubernetes.io/autoupdate'

type Wanted = (typeof defaultClusterRoles)[number] | (typeof defaultClusterRoleBindings)[number]
/** The object as it should be, or `undefined` when it is. */
type Repair = (old: KubeObject, wanted: Wanted) => object | undefined

const repairRole: Repair = (old, wanted) => {
  if (wanted.kind !== 'ClusterRole' || wanted.aggregationRule) return undefined
  const { rules } = old as ClusterRole
  const missing = missingRules(rules, wanted.rules)
  return missing.length > 0 ? { ...old, rules: [...rules, ...missing] } : undefined
}

const repairBinding: Repair = (old, wanted) => {
  if (wanted.kind !== 'ClusterRoleBinding') return undefined
  const { subjects = [] } = old as ClusterRoleBinding
  const isHeld = (subject: (typeof wanted.subjects)[number]) =>
    subjects.some(
      ({ kind, name, namespace }) =>
        kind === subject.kind && name === subject.name && (namespace ?? '') === (subject.namespace ?? ''),
    )
  const missing = wanted.subjects.filter(subject => !isHeld(subject))
  return missing.length > 0 ? { ...old, subjects: [...subjects, ...missing] } : undefined
}
