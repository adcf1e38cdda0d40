import { Namespace } from '../../api/core/namespace.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import { ignore } from '../../api/errors.ts'
import type { Controller, Watch } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { isNamespaceEnding } from '../shared/api-causes.ts'

/** What every namespace has, whatever is deleted in it: an account for pods that ask for none (pkg/controller/serviceaccount). */
export const serviceAccount: Controller = {
  name: 'service-account',
  watches: [on(Namespace), on(ServiceAccount, namespaceOf('default'))],
  writes: [ServiceAccount],

  async reconcile({ client, lister }, key) {
    if (!isInUse(lister(Namespace).get(key)) || lister(ServiceAccount).get(`${key}/default`)) return
    const note = { rule: 'service-account/default', text: `namespace ${key} has no default service account` }
    await client.create(ServiceAccount, { metadata: { namespace: key, name: 'default' } }, { note }).catch(ignoreLateness)
  },
}

/** Wakes the namespace of an object with a certain name. */
export function namespaceOf(name: string): Watch['keys'] {
  return ({ object }) => (object.metadata.name === name && object.metadata.namespace ? [object.metadata.namespace] : [])
}

export function isInUse(namespace: Namespace | undefined): boolean {
  return namespace !== undefined && namespace.status.phase !== 'Terminating' && !namespace.metadata.deletionTimestamp
}

/** It is there already, or its namespace is on its way out: the cache was late, and nothing is to be done. */
export function ignoreLateness(error: unknown): undefined {
  if (isNamespaceEnding(error)) return undefined
  return ignore('AlreadyExists', 'NotFound')(error)
}
