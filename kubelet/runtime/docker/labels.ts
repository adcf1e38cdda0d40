import { createHash } from 'node:crypto'
import type { ContainerConfig, PodIdentity, SandboxConfig } from '../runtime.ts'

/**
 * All that must survive a restart is kept as Docker labels: the io.kubernetes.* names that other tools know (semantics C15), our own
 * under wherry.dev/, and annotations under a prefix that no label key can have (a key has at most one slash). An image has labels too,
 * which Docker mixes in: only those count that a container is always given, and those that are on its list of keys.
 */
const annotationPrefix = 'wherry.dev/annotation/'
export const ownLabel = {
  cluster: 'wherry.dev/cluster',
  node: 'wherry.dev/node',
  type: 'wherry.dev/type',
  sandbox: 'wherry.dev/sandbox',
  role: 'wherry.dev/role',
  attempt: 'wherry.dev/attempt',
  image: 'wherry.dev/image',
  createdAt: 'wherry.dev/created-at',
  cgroupParent: 'wherry.dev/cgroup-parent',
  /** Which namespaces a sandbox takes from the host, and `tty` for a container that has one. */
  traits: 'wherry.dev/traits',
  /** The handler of the sandbox's RuntimeClass; empty: none. */
  handler: 'wherry.dev/runtime-handler',
  /** Made before there was a pod for it. */
  warm: 'wherry.dev/warm',
  /** The keys of the labels and annotations that are the kubelet's, by spaces. */
  keys: 'wherry.dev/keys',
} as const
const podLabel = {
  name: 'io.kubernetes.pod.name',
  namespace: 'io.kubernetes.pod.namespace',
  uid: 'io.kubernetes.pod.uid',
} as const
const containerName = 'io.kubernetes.container.name'
const ownKeys = new Set<string>(Object.values(ownLabel))

export type Labels = Readonly<Record<string, string>>

/** Whose containers these are: two clusters and several nodes on one engine never see each other's. */
export interface Owner {
  cluster: string
  node: string
}

export function ownerFilter({ cluster, node }: Owner): string[] {
  return [`${ownLabel.cluster}=${cluster}`, `${ownLabel.node}=${node}`]
}

export function sandboxLabels(owner: Owner, config: SandboxConfig, createdAt: number): Record<string, string> {
  const traits = [config.hostNetwork && 'hostNetwork', config.hostIPC && 'hostIPC', config.hostPID && 'hostPID'].filter(Boolean)
  return {
    ...common(owner, config, 'POD', createdAt),
    [ownLabel.type]: 'sandbox',
    [ownLabel.traits]: traits.join(' '),
    [ownLabel.handler]: config.runtimeHandler ?? '',
  }
}

export function containerLabels(
  owner: Owner,
  sandboxId: string,
  config: ContainerConfig,
  createdAt: number,
): Record<string, string> {
  return {
    ...common(owner, config, config.name, createdAt),
    [ownLabel.type]: 'container',
    [ownLabel.sandbox]: sandboxId,
    [ownLabel.role]: config.role,
    [ownLabel.image]: config.image,
    [ownLabel.cgroupParent]: config.cgroupParent,
    [ownLabel.traits]: config.tty ? 'tty' : '',
  }
}

function common(
  { cluster, node }: Owner,
  { pod, attempt, labels, annotations }: Pick<SandboxConfig, 'pod' | 'attempt' | 'labels' | 'annotations'>,
  name: string,
  createdAt: number,
): Record<string, string> {
  const all: Record<string, string> = {}
  for (const key in labels) if (!ownKeys.has(key)) all[key] = labels[key] ?? ''
  for (const key in annotations) all[annotationPrefix + key] = annotations[key] ?? ''
  all[ownLabel.keys] = Object.keys(all).join(' ')
  all[podLabel.name] = pod.name
  all[podLabel.namespace] = pod.namespace
  all[podLabel.uid] = pod.uid
  all[containerName] = name
  all[ownLabel.cluster] = cluster
  all[ownLabel.node] = node
  all[ownLabel.attempt] = String(attempt)
  all[ownLabel.createdAt] = String(createdAt)
  return all
}

/** The opposite of the above: what every sandbox and container says about itself. */
export function readLabels(labels: Labels) {
  const plain: Record<string, string> = {}
  const annotations: Record<string, string> = {}
  for (const key of (labels[ownLabel.keys] ?? '').split(' ')) {
    const value = labels[key]
    if (value === undefined) continue
    if (key.startsWith(annotationPrefix)) annotations[key.slice(annotationPrefix.length)] = value
    else plain[key] = value
  }
  return {
    pod: podOf(labels),
    name: labels[containerName] ?? '',
    role: (labels[ownLabel.role] ?? 'app') as ContainerConfig['role'],
    attempt: Number(labels[ownLabel.attempt] ?? 0),
    createdAt: Number(labels[ownLabel.createdAt] ?? 0),
    labels: plain,
    annotations,
  }
}

export function podOf(labels: Labels): PodIdentity {
  return { namespace: labels[podLabel.namespace] ?? '', name: labels[podLabel.name] ?? '', uid: labels[podLabel.uid] ?? '' }
}

/** What all but warm sandboxes of a pod are labelled with. */
export const podUidLabel = (uid: string): string => `${podLabel.uid}=${uid}`
export const podUidOf = (labels: Labels): string | undefined => labels[podLabel.uid]
export const hasTrait = (labels: Labels, trait: string): boolean => (labels[ownLabel.traits] ?? '').split(' ').includes(trait)

/** A few hex digits that stand for a longer name. */
export function shortHash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length)
}

/**
 * Whether a container is what its labels say. Somebody else's may have labels like ours, from its image; it cannot have our name, which
 * an image has no say in.
 */
export function isGenuine({ Names, Labels: labels }: { readonly Names: readonly string[]; readonly Labels: Labels }): boolean {
  const owner = { cluster: labels[ownLabel.cluster] ?? '', node: labels[ownLabel.node] ?? '' }
  const container = labels[containerName] ?? ''
  return Names.includes(`/${dockerName(owner, podOf(labels), container, Number(labels[ownLabel.attempt]))}`)
}

/** Names as the Docker kubelet gave them, plus whose they are; unique, so nothing is ever created twice. */
export function dockerName(owner: Owner, pod: PodIdentity, container: string, attempt: number): string {
  return `k8s_${container}_${pod.name}_${pod.namespace}_${pod.uid}_${attempt}_${ownerHash(owner)}`
}

/** A regular expression, as Go's, of the names of all that belongs to a pod. */
export const nameOfPod = (uid: string): string => `^/k8s_[^_]+_[^_]+_[^_]+_${uid.replace(/[^\w-]/g, '\\$&')}_`

const warmPrefix = 'k8s_WARM_'

/** The name of a sandbox that no pod has yet. */
export const warmName = (owner: Owner, mark: string): string => `${warmPrefix}${mark}_${ownerHash(owner)}`
export const isWarmName = (owner: Owner, name: string): boolean =>
  name.startsWith(warmPrefix) && name.endsWith(`_${ownerHash(owner)}`)

/** What the name of a sandbox says about its pod, as labels would; `undefined`: it is no such name. */
export function labelsFromName(name: string): Labels | undefined {
  const [, pod, namespace, uid, attempt] = /^k8s_POD_([^_]+)_([^_]+)_([^_]+)_(\d+)_[0-9a-f]{8}$/.exec(name) ?? []
  if (pod === undefined || namespace === undefined || uid === undefined || attempt === undefined) return undefined
  return { [podLabel.name]: pod, [podLabel.namespace]: namespace, [podLabel.uid]: uid, [ownLabel.attempt]: attempt }
}

const ownerHashes = new Map<string, string>()

/** Asked for with every container of every relist, of few owners. */
function ownerHash({ cluster, node }: Owner): string {
  const key = `${cluster}/${node}`
  let hash = ownerHashes.get(key)
  if (hash === undefined) {
    if (ownerHashes.size > 10_000) ownerHashes.clear()
    ownerHashes.set(key, (hash = shortHash(key, 8)))
  }
  return hash
}
