import { ConfigMap } from '../../../api/core/config-map.ts'
import { Namespace } from '../../../api/core/namespace.ts'
import { ResourceQuota } from '../../../api/core/resource-quota.ts'
import { Secret } from '../../../api/core/secret.ts'
import { ServiceAccount } from '../../../api/core/service-account.ts'
import { ignore } from '../../../api/errors.ts'
import { StorageClass } from '../../../api/storage/storage-class.ts'
import { aNamespace, type Deed, named, oneOf, pick, pickObject, propagation, type Theme } from '../theme.ts'

const hold = 'test/hold'
const isOurs = ({ metadata }: ConfigMap) => metadata.name.startsWith('node-')

/** Objects that own each other: in chains, trees and circles, across namespaces, and by owners that never were. */
const create: Deed = ({ random, client, picture }) => {
  const metadata = { namespace: aNamespace(random), name: `node-${random.below(12)}` }
  const known = [...picture.of(ConfigMap).filter(isOurs), ...picture.of(StorageClass)]
  const owner = () => {
    const object = oneOf(random, known)
    if (!object || random.below(8) === 0) {
      return { apiVersion: 'v1', kind: 'ConfigMap', name: 'nobody', uid: `00000000-0000-4000-8000-00000000000${random.below(9)}` }
    }
    const { name, uid } = object.metadata
    return { apiVersion: object.apiVersion, kind: object.kind, name, uid, blockOwnerDeletion: random.below(2) === 0 }
  }
  const byUid = new Map(Array.from({ length: random.below(3) }, owner).map(each => [each.uid, each]))
  const ownerReferences = [...byUid.values()]
  const finalizers = random.below(8) ? [] : [hold]
  return {
    text: `config map ${named({ metadata })}: owned by ${ownerReferences.map(({ name }) => name).join(' and ') || 'nobody'}`,
    act: () => client.create(ConfigMap, { metadata: { ...metadata, ownerReferences, finalizers } }),
  }
}
/** An owner may be named after the owned was made: so circles come about. */
const adopt: Deed = ({ random, client, picture }) => {
  const [owned, owner] = [1, 2].map(() => oneOf(random, picture.of(ConfigMap).filter(isOurs)))
  if (!owned || !owner || owned.metadata.uid === owner.metadata.uid) return undefined
  const { name, uid } = owner.metadata
  const others = (owned.metadata.ownerReferences ?? []).filter(each => each.uid !== uid)
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name, uid, blockOwnerDeletion: random.below(2) === 0 }
  return {
    text: `config map ${named(owned)}: owned by ${named(owner)}, too`,
    act: () => client.patch(ConfigMap, owned.metadata, 'merge', { metadata: { ownerReferences: [...others, reference] } }),
  }
}
const remove: Deed = ({ random, client, picture }) => {
  const object = oneOf(random, picture.of(ConfigMap).filter(isOurs))
  if (!object) return undefined
  const propagationPolicy = propagation(random)
  return {
    text: `config map ${named(object)}: deleted, ${propagationPolicy}`,
    act: () => client.delete(ConfigMap, object.metadata, { propagationPolicy }),
  }
}

export const graphs: Theme = {
  name: 'owner graphs',
  opening: [create, create, create, create, create],
  deeds: [create, create, create, create, adopt, remove, remove],
  async calm({ client, picture }) {
    for (const { metadata } of picture.of(ConfigMap)) {
      if (!metadata.finalizers?.includes(hold)) continue
      const finalizers = metadata.finalizers.filter(name => name !== hold)
      await client.patch(ConfigMap, metadata, 'merge', { metadata: { finalizers } }).catch(ignore('NotFound'))
    }
  },
}

const createNamespace: Deed = ({ client }) => ({
  text: 'namespace blue: made',
  act: () => client.create(Namespace, { metadata: { name: 'blue' } }),
})
const removeNamespace: Deed = ({ client }) => ({
  text: 'namespace blue: deleted',
  act: () => client.delete(Namespace, { name: 'blue' }),
})
const spoil: Deed = ({ random, client }) => {
  const namespace = aNamespace(random)
  return pick(
    random,
    {
      text: `service account ${namespace}/default: deleted`,
      act: () => client.delete(ServiceAccount, { namespace, name: 'default' }),
    },
    {
      text: `config map ${namespace}/kube-root-ca.crt: deleted`,
      act: () => client.delete(ConfigMap, { namespace, name: 'kube-root-ca.crt' }),
    },
    {
      text: `config map ${namespace}/kube-root-ca.crt: spoilt`,
      act: () => client.patch(ConfigMap, { namespace, name: 'kube-root-ca.crt' }, 'merge', { data: { 'ca.crt': 'no' } }),
    },
  )
}

export const namespacesTheme: Theme = {
  name: 'namespaces',
  deeds: [createNamespace, createNamespace, removeNamespace, spoil],
}

const createQuota: Deed = ({ random, client }) => {
  const metadata = { namespace: aNamespace(random), name: pick(random, 'small', 'large') }
  const hard: object = pickObject(
    random,
    { pods: String(random.below(8)), configmaps: '8' },
    { 'requests.cpu': '500m', services: '2' },
    { 'count/replicasets.apps': '3', persistentvolumeclaims: '2', 'requests.storage': '3Gi' },
    { 'count/jobs.batch': '2', 'count/secrets': '4', pods: '12' },
  )
  return {
    text: `quota ${named({ metadata })}: ${JSON.stringify(hard)}`,
    act: () => client.create(ResourceQuota, { metadata, spec: { hard } } as never),
  }
}
const changeQuota: Deed = ({ random, client, picture }) => {
  const quota = oneOf(random, picture.of(ResourceQuota))
  if (!quota) return undefined
  if (random.below(3) === 0) {
    return { text: `quota ${named(quota)}: deleted`, act: () => client.delete(ResourceQuota, quota.metadata) }
  }
  const hard = { pods: String(random.below(12)) }
  return {
    text: `quota ${named(quota)}: ${JSON.stringify(hard)}`,
    act: () => client.patch(ResourceQuota, quota.metadata, 'merge', { spec: { hard } } as never),
  }
}
const secret: Deed = ({ random, client }) => {
  const metadata = { namespace: aNamespace(random), name: `secret-${random.below(5)}` }
  return random.below(2)
    ? { text: `secret ${named({ metadata })}`, act: () => client.create(Secret, { metadata }) }
    : { text: `secret ${named({ metadata })}: deleted`, act: () => client.delete(Secret, metadata) }
}

export const quotas: Theme = {
  name: 'quotas',
  opening: [createQuota],
  deeds: [createQuota, createQuota, changeQuota, secret, secret],
  /** Enough for everybody. */
  async calm({ client, picture }) {
    for (const { metadata, spec } of picture.of(ResourceQuota)) {
      const names = Object.keys(spec.hard ?? {})
      const hard = Object.fromEntries(names.map(name => [name, name.startsWith('requests.') ? '1000Gi' : '1000']))
      await client.patch(ResourceQuota, metadata, 'merge', { spec: { hard } }).catch(ignore('NotFound'))
    }
  },
}
