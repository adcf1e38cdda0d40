import { createHash } from 'node:crypto'
import type { ContainerConfig, PodIdentity, SandboxConfig } from '../runtime.ts'

/**
 * All that must survive a restart is kept as Docker labels: the io.kubernetes.* names that other tools know (semantics C15), our own
 * under wherry.dev/, and annotations under a prefix that no label key can have (a key has at most one slash).
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
} as const
const podLabel = {
  name: 'io.kubernetes.pod.name',
  namespace: 'io.kubernetes.pod.namespace',
  uid: 'io.kubernetes.pod.uid',
} as const
const containerName = 'io.kubernetes.container.name'

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
  return { ...common(owner, config, 'POD', createdAt), [ownLabel.type]: 'sandbox', [ownLabel.traits]: traits.join(' ') }
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
  const all: Record<string, string> = { ...labels }
  for (const key in annotations) all[annotationPrefix + key] = annotations[key] ?? ''
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
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith(annotationPrefix)) annotations[key.slice(annotationPrefix.length)] = value
    else if (!ownKeys.has(key)) plain[key] = value
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

const ownKeys = new Set<string>(Object.values(ownLabel))

export function podOf(labels: Labels): PodIdentity {
  return { namespace: labels[podLabel.namespace] ?? '', name: labels[podLabel.name] ?? '', uid: labels[podLabel.uid] ?? '' }
}

export const podUidOf = (labels: Labels): string | undefined => labels[podLabel.uid]
export const hasTrait = (labels: Labels, trait: string): boolean => (labels[ownLabel.traits] ?? '').split(' ').includes(trait)

/** A few hex digits that stand for a longer name. */
export function shortHash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length)
}

/** Names as the Docker kubelet gave them, plus whose they are; unique, so nothing is ever created twice. */
export function dockerName(owner: Owner, pod: PodIdentity, container: string, attempt: number): string {
  return `k8s_${container}_${pod.name}_${pod.namespace}_${pod.uid}_${attempt}_${shortHash(`${owner.cluster}/${owner.node}`, 8)}`
}
