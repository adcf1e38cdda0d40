import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { keyOf } from '../../api/keys.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import type { Controller, ListerOf, ReconcileContext } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { isFinished } from '../shared/pod-state.ts'
import { bind, setClaimPhase } from './binding.ts'
import { planClaim, type Surroundings } from './claim-plan.ts'
import { classOf, defaultClass } from './classes.ts'
import { findVolume } from './match.ts'
import { betaStorageProvisioner, storageProvisioner } from './names.ts'
import { podsByClaim, podsOf } from './pod-claims.ts'
import { type Promises, promises } from './promises.ts'
import { claimIndexes, claimsOfClass, claimsOfPod, claimsOfVolume, freeVolumes, reservedVolumes, volumeIndexes } from './wakes.ts'

/** Binds claims to volumes, one to one, and has volumes made for those that find none (pv_controller.go syncClaim). */
export function claimBinder(): Controller {
  const promised = promises()
  return {
    name: 'claim-binder',
    watches: [
      on(PersistentVolumeClaim, ({ type, object }) => (type === 'deleted' ? [] : [keyOf(object)])),
      on(PersistentVolume, claimsOfVolume),
      on(StorageClass, claimsOfClass),
      on(Pod, claimsOfPod),
    ],
    writes: [PersistentVolume, PersistentVolumeClaim],
    concurrency: 16,
    indexes: [podsByClaim, ...claimIndexes, ...volumeIndexes],

    async reconcile(context, key) {
      const claim = context.lister(PersistentVolumeClaim).get(key)
      if (!claim) return
      const next = planClaim(claim, surroundings(context.lister, promised, key))
      switch (next.step) {
        case 'bind':
          return promised.during(key, next.volume.metadata.name, () => bind(context, claim, next.volume))
        case 'take class':
          return takeClass(context, claim, next.storageClass)
        case 'ask provisioner':
          return askProvisioner(context, claim, next.storageClass)
        case 'wait':
          if (next.why) context.events.record(claim, next.why.type, next.why.reason, next.why.message)
          return setClaimPhase(context, claim, 'Pending', { rule: 'claim-binder/pending', text: 'it waits for a volume' })
        case 'lose':
          if (claim.status.phase === 'Lost') return
          await setClaimPhase(context, claim, 'Lost', { rule: 'claim-binder/lost', text: next.why.message })
          context.events.record(claim, next.why.type, next.why.reason, next.why.message)
      }
    },
  }
}

function surroundings(lister: ListerOf, promised: Promises, key: string): Surroundings {
  return {
    volume: name => lister(PersistentVolume).get(name),
    match: (claim, isDelayed) => {
      const free = isDelayed ? [] : freeVolumes(lister, classOf(claim))
      const open = free.filter(({ metadata }) => promised.isOpenTo(key, metadata.name))
      return findVolume(claim, reservedVolumes(lister, claim), open, isDelayed)
    },
    storageClass: name => lister(StorageClass).get(name),
    defaultClass: () => defaultClass(lister(StorageClass).list()),
    waitingPods: () =>
      podsOf(lister, key)
        .filter(pod => !pod.spec.nodeName && !isFinished(pod))
        .map(({ metadata }) => metadata.name),
  }
}

async function takeClass({ client }: ReconcileContext, claim: PersistentVolumeClaim, { metadata: { name } }: StorageClass) {
  const note = { rule: 'claim-binder/default-class', text: `it names no class, and ${name} is the default one` }
  await client.update(PersistentVolumeClaim, { ...claim, spec: { ...claim.spec, storageClassName: name } }, { note })
}

/** Names the provisioner on the claim: it does the rest. */
async function askProvisioner(
  { client, events }: ReconcileContext,
  claim: PersistentVolumeClaim,
  { metadata: { name }, provisioner }: StorageClass,
): Promise<void> {
  const known = claim.metadata.annotations
  if (known?.[storageProvisioner] !== provisioner) {
    const annotations = { ...known, [storageProvisioner]: provisioner, [betaStorageProvisioner]: provisioner }
    const note = { rule: 'claim-binder/provision', text: `no volume matches; class ${name} has ${provisioner} make one` }
    await client.update(PersistentVolumeClaim, { ...claim, metadata: { ...claim.metadata, annotations } }, { note })
  }
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
  events.record(claim, 'Normal', 'ExternalProvisioning', message)
}
