import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import { attachmentName } from '../../api/storage/attachment-name.ts'
import { CSIDriver } from '../../api/storage/csi-driver.ts'
import { VolumeAttachment } from '../../api/storage/volume-attachment.ts'
import type { Controller, ListerOf, ReconcileContext, ReconcileResult } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { claimKeysOf, podsByClaim } from '../persistent-volume/pod-claims.ts'
import { multiAttachMessage } from './messages.ts'
import { type Plan, planVolume, type Situation, waitFor } from './plan.ts'
import {
  attachmentsByNode,
  attachmentsByVolume,
  attachmentsOf,
  facetsOf,
  isAttachable,
  isShareable,
  nodeView,
  podsByNode,
  uniqueNameOf,
  volumeObject,
} from './view.ts'

const volumeKey = (name: string) => `volume ${name}`
const nodeKey = (name: string) => `node ${name}`

/** What is remembered between runs; all of it may be lost. */
interface Memory {
  /** Since when a volume was found on a node where nobody wants it. */
  readonly unwanted: Map<string, number>
  /** Which refusals have been told. */
  readonly told: Set<string>
}

/**
 * Has volumes of drivers attached to the nodes whose pods want them, and detached from the others once these have let go: by
 * VolumeAttachments, which the driver's attacher acts upon, and by what nodes' status says (pkg/controller/volume/attachdetach).
 */
export function attachDetach(): Controller {
  const memory: Memory = { unwanted: new Map(), told: new Set() }
  return {
    name: 'attachdetach',
    watches: [
      on(Pod, ({ object, previous }, lister) => {
        const claims = claimKeysOf(object as Pod)
        const isOld = claims.length === 0 || !((object as Pod).spec.nodeName || (previous as Pod | undefined)?.spec.nodeName)
        return isOld ? [] : claims.flatMap(key => volumeOfClaim(lister, key))
      }),
      on(PersistentVolumeClaim, ({ object }) => {
        const { volumeName } = (object as PersistentVolumeClaim).spec
        return volumeName ? [volumeKey(volumeName)] : []
      }),
      on(PersistentVolume, ({ object }) => ((object as PersistentVolume).spec.csi ? [volumeKey(object.metadata.name)] : [])),
      on(VolumeAttachment, ({ object }) => {
        const { nodeName, source } = (object as VolumeAttachment).spec
        return [nodeKey(nodeName), volumeKey(source.persistentVolumeName ?? '')]
      }),
      on(Node, ({ object, previous, type }, lister) => {
        if (previous && type === 'modified' && facetsOf(object as Node) === facetsOf(previous as Node)) return []
        const { name } = object.metadata
        const attachments = lister(VolumeAttachment).by('node', name)
        const isAny = attachments.length > 0 || ((object as Node).status.volumesAttached ?? []).length > 0
        const volumes = attachments.map(({ spec }) => volumeKey(spec.source.persistentVolumeName ?? ''))
        return isAny ? [nodeKey(name), ...volumes] : []
      }),
    ],
    reads: [CSIDriver],
    writes: [VolumeAttachment, Node],
    indexes: [podsByClaim, attachmentsByVolume, attachmentsByNode],
    concurrency: 10,
    reconcile(context, key) {
      if (key.startsWith('node ')) return tellNode(context, memory, key.slice('node '.length))
      return lookAfter(context, memory, key.slice('volume '.length))
    },
  }
}

function volumeOfClaim(lister: ListerOf, claimKey: string): string[] {
  const name = lister(PersistentVolumeClaim).get(claimKey)?.spec.volumeName
  return name && volumeObject(lister, name) ? [volumeKey(name)] : []
}

function situationOf({ lister, clock }: ReconcileContext, memory: Memory, volume: PersistentVolume) {
  const pods = podsByNode(lister, volume)
  const uniqueName = uniqueNameOf(volume)
  const attachments = attachmentsOf(lister, volume)
  const now = clock.now()
  const situation: Situation = {
    isShareable: isShareable(volume),
    isAttachable: isAttachable(lister, volume),
    wantedBy: [...pods.keys()],
    attachments: attachments.map(({ metadata, spec }) => ({
      name: metadata.name,
      nodeName: spec.nodeName,
      isLeaving: metadata.deletionTimestamp !== undefined,
    })),
    node: name => nodeView(lister(Node).get(name), uniqueName),
    unwantedSince: name => memory.unwanted.get(`${name}\n${uniqueName}`) ?? now,
    now,
  }
  return { situation, pods, attachments, uniqueName }
}

/** Attaches and detaches one volume. */
async function lookAfter(context: ReconcileContext, memory: Memory, name: string): Promise<ReconcileResult | void> {
  const { lister, clock } = context
  const volume = volumeObject(lister, name)
  if (!volume) return
  const { situation, pods, attachments, uniqueName } = situationOf(context, memory, volume)
  for (const { nodeName, isLeaving } of situation.attachments) {
    const id = `${nodeName}\n${uniqueName}`
    if (isLeaving || situation.wantedBy.includes(nodeName)) memory.unwanted.delete(id)
    else if (!memory.unwanted.has(id)) memory.unwanted.set(id, clock.now())
  }
  tellFailures(context, volume, attachments, pods)
  const plan = planVolume(situation)
  tellRefusals(context, memory, { volume, plan, pods })
  for (const nodeName of plan.withdraw) await tellNode(context, memory, nodeName)
  for (const { name: attachment, nodeName } of plan.detach) {
    const note = { rule: 'attachdetach/detach', text: `no pod on ${nodeName} wants ${name} any more` }
    await context.client.delete(VolumeAttachment, { name: attachment }, { note }).catch(ignore('NotFound'))
    memory.unwanted.delete(`${nodeName}\n${uniqueName}`)
  }
  for (const nodeName of plan.attach) await attach(context, volume, nodeName)
  return plan.lookAgainInMs === undefined ? undefined : { requeueAfterMs: plan.lookAgainInMs }
}

async function attach({ client }: ReconcileContext, { metadata, spec }: PersistentVolume, nodeName: string): Promise<void> {
  const { driver = '', volumeHandle = '' } = spec.csi ?? {}
  const note = { rule: 'attachdetach/attach', text: `a pod on ${nodeName} wants ${metadata.name}` }
  const object = {
    metadata: { name: attachmentName(volumeHandle, driver, nodeName) },
    spec: { attacher: driver, nodeName, source: { persistentVolumeName: metadata.name } },
  }
  await client.create(VolumeAttachment, object, { note }).catch(ignore('AlreadyExists'))
}

/** Says in a node's status what is attached to it: its kubelet mounts nothing else. */
async function tellNode(context: ReconcileContext, memory: Memory, nodeName: string): Promise<void> {
  const { lister, client, events } = context
  const node = lister(Node).get(nodeName)
  if (!node) return
  const wanted = new Map<string, PersistentVolume>()
  for (const attachment of lister(VolumeAttachment).by('node', nodeName)) {
    const volume = volumeObject(lister, attachment.spec.source.persistentVolumeName ?? '')
    if (!volume || !attachment.status.attached || attachment.metadata.deletionTimestamp) continue
    const { situation, uniqueName } = situationOf(context, memory, volume)
    if (situation.wantedBy.includes(nodeName) || waitFor(situation, nodeName) > 0) wanted.set(uniqueName, volume)
  }
  const present = (node.status.volumesAttached ?? []).map(({ name }) => name)
  const next = [...wanted.keys()].sort()
  const ours = (name: string) => name.startsWith('kubernetes.io/csi/')
  const others = (node.status.volumesAttached ?? []).filter(({ name }) => !ours(name))
  if (JSON.stringify(present.filter(ours).sort()) === JSON.stringify(next)) return
  const volumesAttached = [...others, ...next.map(name => ({ name, devicePath: '' }))]
  const text = next.length > 0 ? `attached to ${nodeName}: ${next.join(', ')}` : `nothing is attached to ${nodeName}`
  // Its kubelet may just have said that it uses something again: then this view is out of date, and the next one will do.
  const metadata = { resourceVersion: node.metadata.resourceVersion }
  const options = { subresource: 'status', note: { rule: 'attachdetach/node-status', text } }
  await client.patch(Node, { name: nodeName }, 'merge', { metadata, status: { volumesAttached } }, options)
  for (const [uniqueName, volume] of wanted) {
    if (present.includes(uniqueName)) continue
    for (const pod of podsByNode(lister, volume).get(nodeName) ?? [])
      events.record(
        pod,
        'Normal',
        'SuccessfulAttachVolume',
        `AttachVolume.Attach succeeded for volume "${volume.metadata.name}" `,
      )
  }
}

function tellFailures(
  { events }: ReconcileContext,
  { metadata }: PersistentVolume,
  attachments: readonly VolumeAttachment[],
  pods: ReadonlyMap<string, readonly Pod[]>,
): void {
  for (const { status, spec } of attachments) {
    if (status.attached || !status.attachError?.message) continue
    const message = `AttachVolume.Attach failed for volume "${metadata.name}" : ${status.attachError.message}`
    for (const pod of pods.get(spec.nodeName) ?? []) events.record(pod, 'Warning', 'FailedAttachVolume', message)
  }
}

function tellRefusals(
  { events }: ReconcileContext,
  { told }: Memory,
  { volume, plan, pods }: { volume: PersistentVolume; plan: Plan; pods: ReadonlyMap<string, readonly Pod[]> },
): void {
  const { name } = volume.metadata
  for (const nodeName of pods.keys()) if (!plan.refuse.includes(nodeName)) told.delete(`${nodeName}\n${name}`)
  for (const nodeName of plan.refuse) {
    if (told.has(`${nodeName}\n${name}`)) continue
    told.add(`${nodeName}\n${name}`)
    const others = [...pods].flatMap(([node, ofNode]) => (node === nodeName ? [] : ofNode))
    for (const pod of pods.get(nodeName) ?? [])
      events.record(pod, 'Warning', 'FailedAttachVolume', multiAttachMessage(name, pod, others))
  }
}
