import type { Node } from '../../api/core/node.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Random } from '../../lib/random.ts'
import type { Cluster } from './cluster.ts'
import { type Dice, dice } from './dice.ts'
import { images, podFactory, type Themes } from './random-pod.ts'
import { randomStorage } from './random-storage.ts'
import { labelSelector, words } from './random-terms.ts'

/** A cluster, and more of its kind. */
export interface RandomCluster {
  readonly cluster: Cluster
  /** A pod without a node. */
  newPod(): Pod
  /** A pod on a node. */
  placedPod(nodeName: string): Pod
  /** A node of a given name; different each time. */
  node(name: string): Node
  /** The claims that were made for pods since this was asked last; those of the cluster itself are in it. */
  newClaims(): PersistentVolumeClaim[]
  readonly dice: Dice
}

const megabyte = 1024 * 1024
const sizes = [500, 40, 1200, 90, 3000].map(size => size * megabyte)

function themesOf({ once }: Dice): Themes {
  return {
    resources: !once(4),
    taints: once(2),
    nodeAffinity: once(2),
    ports: once(3),
    spread: once(2),
    affinity: once(2),
    volumes: once(3),
    disks: once(6),
    priorities: once(2),
    tight: once(3),
    gaps: once(3),
  }
}

function randomNode({ of, once, below, some, list }: Dice, themes: Themes, name: string): Node {
  const isThere = () => !themes.gaps || !once(5)
  const taint = () => ({
    key: of('k1', 'k2'),
    ...(once(2) && { value: of('x', 'y') }),
    effect: of('NoSchedule', 'NoExecute', 'PreferNoSchedule', 'PreferNoSchedule'),
  })
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      labels: {
        ...(isThere() && { 'kubernetes.io/hostname': name }),
        ...(isThere() && { 'topology.kubernetes.io/zone': of(...words.zones) }),
        ...(isThere() && { 'topology.kubernetes.io/region': of('r1', 'r1', 'r2') }),
        ...(once(30) && { 'failure-domain.beta.kubernetes.io/zone': of(...words.zones) }),
        ...(once(2) && { rack: `r${below(2)}` }),
        ...(once(2) && { disk: of('ssd', 'hdd') }),
        ...(once(2) && { size: String(below(6)) }),
      },
    },
    spec: {
      ...(themes.taints && { taints: list(2, taint) }),
      ...(once(themes.taints ? 12 : 30) && { unschedulable: true }),
    },
    status: {
      allocatable: {
        cpu: themes.tight ? of('2', '3', '3500m') : of('2', '4', '4', '8', '3500m'),
        memory: themes.tight ? of('3Gi', '4Gi') : of('4Gi', '8Gi', '16Gi', '6000Mi'),
        pods: once(6) ? String(2 + below(4)) : '110',
        'ephemeral-storage': '10Gi',
        ...(once(2) && { 'example.com/gpu': of('1', '4') }),
        ...(once(3) && { 'hugepages-2Mi': '8Mi' }),
      },
      images: some(images).map(image => ({
        names: [image.includes(':', image.lastIndexOf('/')) ? image : `${image}:latest`, `${image}@sha256:0`],
        sizeBytes: sizes[images.indexOf(image)],
      })),
    },
  } as unknown as Node
}

const disk = ({ of, once, below }: Dice): object =>
  of<object>(
    { gcePersistentDisk: { pdName: `disk-${below(2)}`, readOnly: once(2) } },
    { awsElasticBlockStore: { volumeID: `volume-${below(2)}` } },
    { iscsi: { targetPortal: '10.0.0.9', iqn: `iqn-${below(2)}`, lun: 0, readOnly: once(2) } },
    { rbd: { monitors: once(2) ? ['m1', 'm2'] : ['m2', 'm3'], pool: 'rbd', image: `image-${below(2)}`, readOnly: once(2) } },
  )

/** Services and the owners of pods, of every sort that spreading by default looks at. */
function workloads(rolls: Dice) {
  const { of, list } = rolls
  const named = (name: string) => ({ name, namespace: of('default', ...words.namespaces), uid: `uid-${name}` })
  const selector = () => ({ matchLabels: { app: of(...words.apps) } })
  return {
    services: list(2, i => ({ metadata: named(`service-${i}`), spec: { selector: { app: of(...words.apps) } } })),
    replicaSets: list(1, i => ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: named(`set-${i}`),
      spec: { selector: selector() },
    })),
    statefulSets: list(1, i => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: named(`state-${i}`),
      spec: { selector: selector() },
    })),
    replicationControllers: list(1, i => ({
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: named(`old-${i}`),
      spec: { selector: { app: of(...words.apps) } },
    })),
  }
}

const budget = (rolls: Dice, i: number) => ({
  metadata: { name: `budget-${i}`, namespace: rolls.of('default', ...words.namespaces) },
  spec: { selector: labelSelector(rolls) },
  status: {
    disruptionsAllowed: rolls.below(3),
    disruptedPods: Object.fromEntries(rolls.list(2, j => [`pod-${j * 3 + 1}`, '2026-01-02T00:00:00Z'])),
  },
})

/** Volumes of pods: claims of the pod's namespace, claims made for it, disks of old. A claim for one pod only has one user at most. */
function volumeSource(
  rolls: Dice,
  themes: Themes,
  claims: readonly { metadata: Record<string, unknown>; spec?: unknown }[],
  made: object[],
) {
  const { once, below, of } = rolls
  const taken = new Set<string>()
  return (namespace: string, podName: string, uid: string, isPlaced: boolean): object[] => {
    const volumes: object[] = []
    if (themes.disks && once(2)) volumes.push({ name: 'disk', ...disk(rolls) })
    if (!themes.volumes || once(3)) return volumes
    const own = claims.filter(({ metadata }) => metadata.namespace === namespace)
    for (let i = below(3); i > 0 && own.length > 0; i--) {
      const one = of(...own)
      const claimName = String(one.metadata.name)
      const isExclusive = JSON.stringify(one.spec).includes('ReadWriteOncePod')
      if (isPlaced && isExclusive && taken.has(claimName)) continue
      if (isPlaced) taken.add(claimName)
      if (!volumes.some(volume => JSON.stringify(volume).includes(`"${claimName}"`)))
        volumes.push({ name: `v${i}`, persistentVolumeClaim: { claimName } })
    }
    if (!isPlaced && once(30)) volumes.push({ name: 'none', persistentVolumeClaim: { claimName: 'claim-of-nobody' } })
    if (once(12)) {
      volumes.push({ name: 'own', ephemeral: { volumeClaimTemplate: { spec: {} } } })
      const isMissing = once(4)
      const ownerReferences = [{ kind: 'Pod', name: podName, uid: !isPlaced && once(6) ? 'somebody' : uid, controller: true }]
      const metadata = { name: `${podName}-own`, namespace, uid: `${uid}-own`, ownerReferences }
      const isBound = once(4)
      const spec = {
        accessModes: ['ReadWriteOnce'],
        storageClassName: of('fast', 'local'),
        resources: { requests: { storage: '1Gi' } },
        ...(isBound && { volumeName: of('pv-0', 'pv-of-nobody') }),
      }
      const annotations = { ...(isBound && { 'pv.kubernetes.io/bind-completed': 'yes' }) }
      const status = { phase: isBound ? 'Bound' : 'Pending' }
      if (!isMissing) made.push({ metadata: { ...metadata, annotations }, spec, status })
    }
    return volumes
  }
}

function howMany({ once, below }: Dice, { tight }: Themes): { nodes: number; pods: number } {
  if (once(80)) return { nodes: 101 + below(60), pods: 20 }
  if (once(60)) return { nodes: below(2), pods: 2 }
  const nodes = 2 + below(9)
  return { nodes, pods: tight ? nodes * (3 + below(3)) : below(nodes * 4) }
}

/** The same cluster for the same chance. Few names and labels, so that rules meet; not everything at once, so that pods fit. */
export function randomCluster(random: Random): RandomCluster {
  const rolls = dice(random)
  const themes = themesOf(rolls)
  const size = howMany(rolls, themes)
  const names = Array.from({ length: size.nodes }, (_, i) => `node-${i}`)
  const someNames = names.length > 0 ? names : ['node-of-nobody']
  const storage = randomStorage(rolls, someNames)
  const fresh: object[] = []
  const volumesOf = volumeSource(rolls, themes, storage.claims, fresh)
  const made = workloads(rolls)
  const owners = [...made.replicaSets, ...made.statefulSets, ...made.replicationControllers]
  let isPlaced = false
  const makePod = podFactory(rolls, {
    themes,
    nodes: someNames,
    volumesFor: (namespace, podName, uid) => volumesOf(namespace, podName, uid, isPlaced),
    ownersFor: namespace =>
      owners
        .filter(({ metadata }) => metadata.namespace === namespace)
        .map(({ apiVersion, kind, metadata }) => ({
          apiVersion,
          kind,
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
        })),
  })
  const placedPod = (nodeName: string) => {
    isPlaced = true
    const pod = makePod({ nodeName })
    isPlaced = false
    return pod
  }
  const nodes = names.map(name => randomNode(rolls, themes, name))
  const pods = Array.from({ length: size.pods }, () => placedPod(rolls.once(25) ? 'node-that-went' : rolls.of(...someNames)))
  const nominations = rolls.once(3) ? rolls.list(2, () => ({ pod: makePod(), nodeName: rolls.of(...someNames) })) : []
  const cluster = {
    nodes,
    pods,
    nominations,
    namespaces: words.namespaces.map((name, i) => ({
      metadata: { name, labels: i === 0 ? {} : { env: rolls.of('prod', 'test') } },
    })),
    ...made,
    ...storage,
    claims: [...storage.claims, ...fresh.splice(0)],
    budgets: rolls.list(3, i => budget(rolls, i)),
  } as unknown as Cluster
  return {
    cluster,
    newPod: makePod,
    placedPod,
    node: name => randomNode(rolls, themes, name),
    newClaims: () => fresh.splice(0) as PersistentVolumeClaim[],
    dice: rolls,
  }
}
