import { ignore, isReason } from '../../api/errors.ts'
import { keyOf } from '../../api/keys.ts'
import type { AnyKind } from '../../api/kind.ts'
import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../api/rbac/cluster-role-binding.ts'
import { Role } from '../../api/rbac/role.ts'
import { RoleBinding } from '../../api/rbac/role-binding.ts'
import type { KubeObject } from '../../api/transport.ts'
import { users } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import { deepEqual } from '../../lib/json.ts'
import type { Handle } from '../request.ts'
import { defaultClusterRoleBindings, defaultClusterRoles, defaultRoleBindings, defaultRoles } from './default-roles.ts'
import { missingRules } from './escalation.ts'

interface Options {
  readonly handle: Handle
  readonly signal: AbortSignal
}

/**
 * Makes sure that the default roles and bindings of the cluster are there: creates what is missing, and gives back rules and
 * subjects that were taken away, unless the object's autoupdate annotation is "false". Several servers may do this at once.
 */
export async function bootstrapPolicy(options: Options): Promise<void> {
  await Promise.all([
    ensureAll(options, ClusterRole, defaultClusterRoles),
    ensureAll(options, ClusterRoleBinding, defaultClusterRoleBindings),
  ])
}

const retryInMs = 50

/** The same for the roles inside namespaces of the system, as soon as those are there. */
export async function bootstrapNamespacedPolicy(options: Options & { readonly clock: Clock }): Promise<void> {
  const { clock, signal } = options
  while (!signal.aborted) {
    try {
      await ensureAll(options, Role, defaultRoles)
      return await ensureAll(options, RoleBinding, defaultRoleBindings)
    } catch (error) {
      if (!isReason(error, 'NotFound') && !signal.aborted) throw error
      await clock.sleep(retryInMs, signal)
    }
  }
}

async function ensureAll({ handle, signal }: Options, kind: AnyKind, wanted: readonly Wanted[]): Promise<void> {
  const target = { group: kind.group, version: kind.version, resource: kind.plural, user: users.apiServer, signal } as const
  const response = await handle({ ...target, verb: 'list', options: {} })
  const existing = new Map(response.type === 'list' ? response.items.map(({ object }) => [keyOf(object), object]) : [])
  const write = async (body: Wanted) => {
    const { name, namespace } = body.metadata
    const place = namespace === undefined ? target : { ...target, namespace }
    const old = existing.get(keyOf(body as unknown as KubeObject))
    if (!old) return handle({ ...place, verb: 'create', body }).catch(ignore('AlreadyExists'))
    const changed = old.metadata.annotations?.[autoupdate] === 'false' ? undefined : repaired(old, body)
    if (changed) await handle({ ...place, name, verb: 'update', body: changed }).catch(ignore('Conflict'))
  }
  await Promise.all(wanted.map(write)) // together, so that they share a few syncs of the disk
}

const autoupdate = 'rbac.authorization.kubernetes.io/autoupdate'

type Wanted = (typeof defaultClusterRoles)[number] | (typeof defaultClusterRoleBindings)[number]

/** The object as it should be, or `undefined` when it is. */
function repaired(old: KubeObject, wanted: Wanted): object | undefined {
  if ('subjects' in wanted) {
    const { subjects = [] } = old as ClusterRoleBinding
    const isHeld = (subject: (typeof wanted.subjects)[number]) =>
      subjects.some(
        ({ kind, name, namespace }) =>
          kind === subject.kind && name === subject.name && (namespace ?? '') === (subject.namespace ?? ''),
      )
    const missing = wanted.subjects.filter(subject => !isHeld(subject))
    return missing.length > 0 ? { ...old, subjects: [...subjects, ...missing] } : undefined
  }
  if (wanted.aggregationRule) return undefined
  const { rules } = old as ClusterRole
  if (deepEqual(rules, wanted.rules)) return undefined
  const missing = missingRules(rules, wanted.rules)
  return missing.length > 0 ? { ...old, rules: [...rules, ...missing] } : undefined
}
