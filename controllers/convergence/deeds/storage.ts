import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../../api/core/pod.ts'
import { aNamespace, type Deed, named, oneOf, pick, pickObject, type Theme } from '../theme.ts'

const policies = ['Retain', 'Delete'] as const

const createVolume: Deed = ({ random, client }) => {
  const metadata = { name: `disk-${random.below(5)}` }
  const spec = {
    capacity: { storage: pick(random, '1Gi', '2Gi', '5Gi') },
    accessModes: random.below(2) ? ['ReadWriteOnce' as const] : ['ReadWriteOnce' as const, 'ReadWriteMany' as const],
    persistentVolumeReclaimPolicy: pick(random, ...policies),
    hostPath: { path: '/data' },
    ...(random.below(3) === 0 && {
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'default', name: `files-${random.below(4)}` },
    }),
    storageClassName: '',
  }
  return {
    text: `volume ${metadata.name}: ${JSON.stringify(spec)}`,
    act: () => client.create(PersistentVolume, { metadata, spec }),
  }
}
const createClaim: Deed = ({ random, client }) => {
  const metadata = { namespace: aNamespace(random), name: `files-${random.below(4)}` }
  const spec = {
    accessModes: [pick(random, 'ReadWriteOnce' as const, 'ReadWriteOnce' as const, 'ReadWriteMany' as const)],
    resources: { requests: { storage: pick(random, '1Gi', '3Gi') } },
    ...pickObject(random, {}, { storageClassName: '' }, { storageClassName: '' }, { storageClassName: '', volumeName: 'disk-1' }),
  }
  return {
    text: `claim ${named({ metadata })}: ${JSON.stringify(spec)}`,
    act: () => client.create(PersistentVolumeClaim, { metadata, spec }),
  }
}
const use: Deed = ({ random, client, picture }) => {
  const claim = oneOf(random, picture.of(PersistentVolumeClaim))
  if (!claim) return undefined
  const { namespace, name } = claim.metadata
  const metadata = { namespace, name: `user-${random.below(3)}` }
  const spec = {
    containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu: '10m' } } }],
    volumes: [{ name: 'files', persistentVolumeClaim: { claimName: name } }],
  }
  return { text: `pod ${named({ metadata })}: uses claim ${name}`, act: () => client.create(Pod, { metadata, spec }) }
}
const removeVolume: Deed = ({ random, client, picture }) => {
  const volume = oneOf(random, picture.of(PersistentVolume))
  return volume && { text: `volume ${named(volume)}: deleted`, act: () => client.delete(PersistentVolume, volume.metadata) }
}
const removeClaim: Deed = ({ random, client, picture }) => {
  const claim = oneOf(random, picture.of(PersistentVolumeClaim))
  return claim && { text: `claim ${named(claim)}: deleted`, act: () => client.delete(PersistentVolumeClaim, claim.metadata) }
}
const removeUser: Deed = ({ random, client, picture }) => {
  const pod = oneOf(
    random,
    picture.of(Pod).filter(({ metadata }) => metadata.name.startsWith('user-')),
  )
  return pod && { text: `pod ${named(pod)}: deleted`, act: () => client.delete(Pod, pod.metadata) }
}
const recycle: Deed = ({ random, client, picture }) => {
  const volume = oneOf(
    random,
    picture.of(PersistentVolume).filter(({ status }) => status.phase === 'Released'),
  )
  return (
    volume && {
      text: `volume ${named(volume)}: free for others`,
      act: () => client.patch(PersistentVolume, volume.metadata, 'merge', { spec: { claimRef: null } }),
    }
  )
}

/** Who uses a claim that is on its way out keeps it, and what is kept never comes to rest. */
const letGo: Theme['calm'] = async ({ client, picture }) => {
  for (const { metadata } of picture.of(Pod)) if (metadata.name.startsWith('user-')) await client.delete(Pod, metadata)
  // A volume that is on its way out stays for as long as its claim is there.
  for (const { metadata, spec } of picture.of(PersistentVolume)) {
    const claim = spec.claimRef && picture.get(PersistentVolumeClaim, spec.claimRef.namespace, spec.claimRef.name ?? '')
    if (!metadata.deletionTimestamp || !claim) continue
    await client.delete(PersistentVolumeClaim, claim.metadata).catch(() => {})
  }
}

export const storage: Theme = {
  name: 'storage',
  opening: [createVolume, createVolume, createClaim, createClaim],
  deeds: [createVolume, createVolume, createClaim, createClaim, use, use, removeVolume, removeClaim, removeUser, recycle],
  calm: letGo,
}
