import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { ignore } from '../../api/errors.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import type { TestCluster } from '../testing.ts'

type Over<Spec> = Partial<Spec> & { readonly annotations?: Record<string, string> }

/** Makes volumes, claims and classes, and tells how they are. */
export interface Storage {
  volume(name: string, size: string, over?: Over<PersistentVolume['spec']>): Promise<PersistentVolume>
  claim(name: string, size: string, over?: Over<PersistentVolumeClaim['spec']>): Promise<PersistentVolumeClaim>
  storageClass(name: string, over?: Partial<StorageClass> & { annotations?: Record<string, string> }): Promise<StorageClass>
  readVolume(name: string): Promise<PersistentVolume>
  readClaim(name: string): Promise<PersistentVolumeClaim>
  /** `phase claim`, or `gone`. */
  volumeState(name: string): Promise<string>
  /** `phase volume`, or `gone`. */
  claimState(name: string): Promise<string>
}

const namespace = 'default'

export function storage({ client }: TestCluster): Storage {
  return {
    volume: (name, size, { annotations = {}, ...spec } = {}) =>
      client.create(PersistentVolume, {
        metadata: { name, annotations },
        spec: {
          capacity: { storage: size },
          accessModes: ['ReadWriteOnce'],
          hostPath: { path: '/data' },
          ...spec,
        },
      }),
    claim: (name, size, { annotations = {}, ...spec } = {}) =>
      client.create(PersistentVolumeClaim, {
        metadata: { name, namespace, annotations },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: size } }, ...spec },
      }),
    storageClass: (name, { annotations = {}, ...over } = {}) =>
      client.create(StorageClass, { provisioner: 'wherry.dev/local', ...over, metadata: { name, annotations } }),
    readVolume: name => client.get(PersistentVolume, { name }),
    readClaim: name => client.get(PersistentVolumeClaim, { namespace, name }),
    async volumeState(name) {
      const found = await client.get(PersistentVolume, { name }).catch(ignore('NotFound'))
      return found ? `${found.status.phase} ${found.spec.claimRef?.name ?? ''}`.trim() : 'gone'
    },
    async claimState(name) {
      const found = await client.get(PersistentVolumeClaim, { namespace, name }).catch(ignore('NotFound'))
      return found ? `${found.status.phase} ${found.spec.volumeName ?? ''}`.trim() : 'gone'
    },
  }
}
