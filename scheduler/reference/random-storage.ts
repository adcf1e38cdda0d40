import type { Dice } from './dice.ts'
import { words } from './random-terms.ts'

type Loose = Record<string, unknown> & { metadata: Record<string, unknown> & { name: string } }

export interface RandomStorage {
  readonly storageClasses: Loose[]
  readonly volumes: Loose[]
  readonly claims: Loose[]
  readonly csiNodes: Loose[]
  readonly csiDrivers: Loose[]
  readonly capacities: Loose[]
  readonly attachments: Loose[]
}

const zoneKey = 'topology.kubernetes.io/zone'
const driver = 'disk.example.com'
const full = 'full.example.com'

const storageClass = (name: string, provisioner: string, volumeBindingMode: string, more: object = {}): Loose => ({
  metadata: { name },
  provisioner,
  volumeBindingMode,
  ...more,
})

const storageClasses = (): Loose[] => [
  storageClass('fast', driver, 'WaitForFirstConsumer'),
  storageClass('local', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer'),
  storageClass('at-once', driver, 'Immediate'),
  storageClass('near', driver, 'WaitForFirstConsumer', {
    allowedTopologies: [{ matchLabelExpressions: [{ key: zoneKey, values: ['za', 'zb'] }] }],
  }),
  storageClass('counted', full, 'WaitForFirstConsumer'),
]

/** Sizes differ, so that the smallest volume that will do is never in doubt. */
function volume({ of, once }: Dice, i: number, nodes: readonly string[], claim?: { name: string; namespace: string }): Loose {
  const reach = of<object | undefined>(
    undefined,
    undefined,
    { matchExpressions: [{ key: zoneKey, operator: 'In', values: [of(...words.zones), of(...words.zones)] }] },
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [of(...nodes), of(...nodes)] }] },
  )
  const labels = {
    ...(once(4) && { [zoneKey]: of('za', 'zb', 'za__zb') }),
    ...(once(20) && { 'failure-domain.beta.kubernetes.io/zone': of('za', 'zb') }),
    ...(once(2) && { grade: of('gold', 'silver') }),
  }
  return {
    metadata: { name: `pv-${i}`, labels, ...(once(25) && { deletionTimestamp: '2026-01-02T00:00:00Z' }) },
    spec: {
      capacity: { storage: `${1 + i}Gi` },
      accessModes: once(3) ? ['ReadWriteOnce', 'ReadOnlyMany'] : ['ReadWriteOnce', 'ReadWriteOncePod'],
      storageClassName: of('local', 'local', 'fast', 'near'),
      volumeMode: once(12) ? 'Block' : 'Filesystem',
      ...(once(2) ? { csi: { driver, volumeHandle: `handle-${i}` } } : { hostPath: { path: '/data' } }),
      ...(reach && { nodeAffinity: { required: { nodeSelectorTerms: [reach] } } }),
      ...(claim && { claimRef: claim }),
    },
    status: { phase: claim ? 'Bound' : of('Available', 'Available', 'Available', 'Released') },
  }
}

function claim({ of, once }: Dice, i: number, nodes: readonly string[], volumeName: string | undefined): Loose {
  const namespace = of('default', ...words.namespaces)
  const isSelected = !volumeName && once(10)
  const annotations = {
    ...(volumeName && !once(25) && { 'pv.kubernetes.io/bind-completed': 'yes' }),
    ...(isSelected && { 'volume.kubernetes.io/selected-node': of(...nodes) }),
  }
  return {
    metadata: {
      name: `claim-${i}`,
      namespace,
      uid: `claim-uid-${i}`,
      annotations,
      ...(once(40) && { deletionTimestamp: '2026-01-02T00:00:00Z' }),
    },
    spec: {
      accessModes: [once(4) ? 'ReadWriteOncePod' : 'ReadWriteOnce'],
      resources: { requests: { storage: `${1 + ((i * 7) % 13)}Gi` } },
      volumeMode: once(15) ? 'Block' : 'Filesystem',
      ...(!once(30) && {
        storageClassName: of('local', 'local', 'fast', 'near', 'counted', ...(once(5) ? ['at-once', 'gone'] : [])),
      }),
      ...(volumeName && { volumeName: once(30) ? 'pv-of-nobody' : volumeName }),
      ...(!volumeName && once(6) && { selector: { matchLabels: { grade: 'gold' } } }),
    },
    status: { phase: once(40) ? 'Lost' : volumeName ? 'Bound' : 'Pending' },
  }
}

/** Classes, volumes and claims of every sort, some bound to each other, some reserved, some broken. */
export function randomStorage(dice: Dice, nodes: readonly string[]): RandomStorage {
  const { of, once, below, some, list } = dice
  const claims: Loose[] = []
  const volumes: Loose[] = []
  for (let i = 0; i < 3 + below(8); i++) {
    const isBound = once(2)
    const made = claim(dice, i, nodes, isBound ? `pv-${volumes.length}` : undefined)
    const ref = { name: made.metadata.name, namespace: String(made.metadata.namespace), uid: String(made.metadata.uid) }
    claims.push(made)
    if (isBound || once(6)) volumes.push(volume(dice, volumes.length, nodes, once(8) ? { ...ref, uid: '' } : ref))
  }
  for (let i = below(6); i > 0; i--) volumes.push(volume(dice, volumes.length, nodes))
  const isNear = { matchLabels: { [zoneKey]: of(...words.zones) } }
  return {
    storageClasses: storageClasses(),
    volumes,
    claims,
    csiNodes: some(nodes, 2).map(name => ({
      metadata: { name },
      spec: { drivers: [{ name: driver, nodeID: name, ...(!once(4) && { allocatable: { count: 1 + below(3) } }) }] },
    })),
    csiDrivers: [{ metadata: { name: full }, spec: { storageCapacity: !once(5) } }],
    capacities: list(3, i => ({
      metadata: { name: `room-${i}`, namespace: 'default' },
      storageClassName: of('counted', 'fast'),
      ...(!once(5) && { nodeTopology: once(4) ? {} : isNear }),
      capacity: `${1 + below(15)}Gi`,
      ...(once(4) && { maximumVolumeSize: '2Gi' }),
    })),
    attachments: list(3, i => ({
      metadata: { name: `attachment-${i}` },
      spec: { attacher: driver, nodeName: of(...nodes), source: { persistentVolumeName: `pv-${below(volumes.length + 1)}` } },
    })),
  }
}
