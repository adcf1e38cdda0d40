import type { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import { attachmentName } from '../../api/storage/attachment-name.ts'
import { CSIDriver } from '../../api/storage/csi-driver.ts'
import { VolumeAttachment } from '../../api/storage/volume-attachment.ts'
import type { Client } from '../../client/client.ts'
import type { Objects } from '../objects.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { Texts } from './messages.ts'

/** What a driver is told that is not in the volume itself. Rejections read as upstream's. */
export interface CsiFacts {
  /** How the driver wants to be treated; undefined: it does not say. */
  object(driver: string): Promise<CSIDriver | undefined>
  /** A secret's texts. `field`: which reference it is, for the words of a failure. */
  secret(field: string, ref: { namespace: string; name: string } | undefined): Promise<Texts>
  /** What the controller's part of the driver has told about the attachment; empty where nothing is attached. */
  publishContext(volume: { driver: string; handle: string }): Promise<Texts>
  /** Rejects while the volume is not attached to this node. */
  attachment(volume: { driver: string; handle: string }): Promise<VolumeAttachment>
  /** Which pod it is for, and tokens of its account, as far as the driver wants them. */
  podAttributes(pod: Pod, driver: CSIDriver | undefined, isInline: boolean): Promise<Texts>
}

interface Options {
  readonly nodeName: string
  readonly client: Client
  readonly objects: Objects
}

export function csiFacts({ nodeName, client, objects }: Options): CsiFacts {
  const object: CsiFacts['object'] = name => client.get(CSIDriver, { name }).catch(ignore('NotFound'))

  const attachment: CsiFacts['attachment'] = async ({ driver, handle }) => {
    const name = attachmentName(handle, driver, nodeName)
    const found = await client.get(VolumeAttachment, { name }).catch((error: unknown) => {
      throw new Error(`volume ${handle} has GET error for volume attachment ${name}: ${messageOf(error)}`)
    })
    if (found.metadata.deletionTimestamp) throw new Error(`volume attachment ${name} is being deleted`)
    const { attached, attachError } = found.status
    if (attached) return found
    throw new Error(attachError?.message || `volume ${handle} is not attached for volume attachment ${name}`)
  }

  return {
    object,
    attachment,
    async secret(field, ref) {
      if (!ref) return {}
      const { namespace, name } = ref
      const fail = (why: string) => new Error(`fetching ${field} ${namespace}/${name} failed: ${why}`)
      const data = await objects.secret(namespace, name).catch((error: unknown) => {
        throw fail(messageOf(error))
      })
      if (!data) throw fail(`secrets "${name}" not found`)
      return Object.fromEntries(Object.entries(data).map(([key, bytes]) => [key, Buffer.from(bytes).toString()]))
    },
    async publishContext(volume) {
      const driver = await object(volume.driver)
      if (driver && !driver.spec.attachRequired) return {}
      return (await attachment(volume)).status.attachmentMetadata ?? {}
    },
    async podAttributes(pod, driver, isInline) {
      const { podInfoOnMount, tokenRequests = [] } = driver?.spec ?? {}
      const { name, namespace, uid } = pod.metadata
      const info = podInfoOnMount && {
        'csi.storage.k8s.io/pod.name': name,
        'csi.storage.k8s.io/pod.namespace': namespace ?? '',
        'csi.storage.k8s.io/pod.uid': uid,
        'csi.storage.k8s.io/serviceAccount.name': pod.spec.serviceAccountName ?? '',
        'csi.storage.k8s.io/ephemeral': String(isInline),
      }
      if (tokenRequests.length === 0) return info || {}
      const tokens: Record<string, object> = {}
      for (const { audience, expirationSeconds = 3600 } of tokenRequests)
        tokens[audience] = await objects.tokenStatus(pod, { audience, expirationSeconds })
      return { ...info, 'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify(tokens) }
    },
  }
}
