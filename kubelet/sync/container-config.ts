import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Pod } from '../../api/core/pod.ts'
import { qosClassOf } from '../../api/placement/qos.ts'
import { value } from '../../api/quantity.ts'
import type { KubeletContext } from '../context.ts'
import { computeEnvironment, expandAll, type KeyValues, referencesOf } from '../env/environment.ts'
import { serviceVariables } from '../env/service-env.ts'
import { hostsFile } from '../network/hosts-file.ts'
import { podHostname } from '../network/hostname.ts'
import type { AnyContainer, ContainerRole, VolumeMount } from '../pod-types.ts'
import type { ContainerConfig, ContainerState, ImageInfo, Mount } from '../runtime/runtime.ts'
import { resolveSubPath, subPathOf } from '../volumes/sub-path.ts'
import type { MountedVolume } from '../volumes/volumes.ts'
import { containerAnnotations, containerLabels } from './labels.ts'
import { linuxResources, oomScoreAdj } from './resources.ts'
import { securityConfig } from './security.ts'
import { SyncError } from './sync-error.ts'

export interface ContainerConfigInput {
  readonly pod: Pod
  readonly container: AnyContainer
  readonly role: ContainerRole
  readonly attempt: number
  readonly image: ImageInfo
  readonly podIp: string
  readonly volumes: ReadonlyMap<string, MountedVolume>
  /** The container whose processes an ephemeral one wants to see. */
  readonly target?: ContainerState | undefined
}

/** All that the runtime must know to create a container. Throws SyncError CreateContainerConfigError. */
export async function containerConfig(context: KubeletContext, input: ContainerConfigInput): Promise<ContainerConfig> {
  const { pod, container, role, attempt, image, target } = input
  const { config } = context
  const security = securityConfig(pod, container, image.user)
  const environment = await environmentOf(context, input)
  const mounts = await mountsOf(context, input, environment)
  const terminationMessageFile = config.usesDisk ? await terminationFile(context, pod, container, attempt) : undefined
  if (terminationMessageFile)
    mounts.push({ hostPath: terminationMessageFile, containerPath: container.terminationMessagePath ?? '', readOnly: false })
  const command = expandAll(container.command, environment)
  const args = expandAll(container.args, environment)
  const { name, namespace, uid } = pod.metadata
  return {
    pod: { name, namespace, uid },
    name: container.name,
    role,
    image: container.image,
    attempt,
    ...(command && command.length > 0 && { command }),
    ...(args && args.length > 0 && { args }),
    ...(container.workingDir && { workingDir: container.workingDir }),
    env: [...environment].map(([name, value]) => ({ name, value })),
    mounts,
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, { attempt, terminationMessageFile }),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    sharePid: pod.spec.shareProcessNamespace ?? false,
    ...(target && { targetContainerId: target.id }),
    resources: linuxResources(container.resources, {
      oomScoreAdj: oomScoreOf(context, pod, container, role),
      podPidsLimit: config.podPidsLimit,
    }),
    security,
    cgroupParent: '',
  }
}

function oomScoreOf({ memoryInBytes }: KubeletContext, pod: Pod, container: AnyContainer, role: ContainerRole): number {
  const qosClass = pod.status.qosClass ?? qosClassOf(pod.spec)
  const score = (one: AnyContainer) =>
    oomScoreAdj({
      qosClass,
      isCritical: pod.spec.priorityClassName === 'system-node-critical',
      memoryRequestInBytes: one.resources?.requests?.memory ? value(one.resources.requests.memory) : 0,
      nodeMemoryInBytes: memoryInBytes(),
    })
  // A sidecar must not be killed before the containers it serves (pkg/kubelet/qos/policy.go).
  return role === 'sidecar' ? Math.min(score(container), Math.max(...pod.spec.containers.map(score))) : score(container)
}

async function environmentOf(
  context: KubeletContext,
  { pod, container, podIp }: ContainerConfigInput,
): Promise<Map<string, string>> {
  const { objects, nodeIps } = context
  const { namespace } = pod.metadata
  const wanted = referencesOf(container)
  const fetchAll = async (names: ReadonlySet<string>, fetch: (namespace: string, name: string) => Promise<BytesOrNothing>) =>
    new Map(await Promise.all([...names].map(async name => [name, asText(await fetch(namespace, name))] as const)))
  const [configMaps, secrets] = await Promise.all([
    fetchAll(wanted.configMap, objects.configMap),
    fetchAll(wanted.secret, objects.secret),
  ])
  return computeEnvironment({
    pod,
    container,
    serviceVariables: serviceVariables(context.services(), namespace, pod.spec.enableServiceLinks),
    references: { configMap: name => configMaps.get(name), secret: name => secrets.get(name) },
    addresses: { podIps: podIp ? [podIp] : nodeIps, hostIps: nodeIps },
    allocatable: context.node()?.status.allocatable ?? {},
  })
}

type BytesOrNothing = Readonly<Record<string, Uint8Array>> | undefined

function asText(values: BytesOrNothing): KeyValues | undefined {
  return values && Object.fromEntries(Object.entries(values).map(([key, bytes]) => [key, Buffer.from(bytes).toString()]))
}

const propagations = { HostToContainer: 'rslave', Bidirectional: 'rshared' } as const

async function mountsOf(
  context: KubeletContext,
  { pod, container, podIp, volumes }: ContainerConfigInput,
  environment: ReadonlyMap<string, string>,
): Promise<Mount[]> {
  const mounts: Mount[] = []
  for (const mount of container.volumeMounts ?? []) {
    const volume = volumes.get(mount.name)
    if (!volume)
      throw new SyncError(
        'CreateContainerConfigError',
        `cannot find volume "${mount.name}" to mount into container "${container.name}"`,
      )
    const subPath = subPathOf(mount, environment)
    const hostPath = await partOf(context, volume.path, subPath, mount, container)
    const propagation = propagations[mount.mountPropagation as keyof typeof propagations]
    const readOnly = volume.readOnly || (mount.readOnly ?? false)
    mounts.push({ hostPath, containerPath: mount.mountPath, readOnly, ...(propagation && { propagation }) })
  }
  const hasOwnHosts = mounts.some(mount => mount.containerPath === '/etc/hosts')
  if (context.config.usesDisk && !hasOwnHosts && (podIp !== '' || pod.spec.hostNetwork))
    mounts.push({ hostPath: await writeHosts(context, pod, podIp), containerPath: '/etc/hosts', readOnly: false })
  return mounts
}

async function partOf(
  { config }: KubeletContext,
  root: string,
  subPath: string,
  { name }: VolumeMount,
  container: AnyContainer,
): Promise<string> {
  if (subPath === '') return root
  return config.usesDisk ? resolveSubPath(root, subPath, { name, container: container.name }) : join(root, subPath)
}

/** One file for all containers of the pod. */
async function writeHosts({ rootDir, config, nodeFiles }: KubeletContext, pod: Pod, podIp: string): Promise<string> {
  const { short, fqdn } = podHostname(pod, config.clusterDomain)
  const text = hostsFile({ spec: pod.spec, podIps: [podIp], hostname: short, fqdn, nodeFile: nodeFiles.hosts() })
  const path = join(rootDir, 'pods', pod.metadata.uid, 'etc-hosts')
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  await chmod(path, 0o644)
  return path
}

/** An empty file for the container's last words; a new one for each instance, writable by whoever the container runs as. */
async function terminationFile(
  { rootDir }: KubeletContext,
  pod: Pod,
  container: AnyContainer,
  attempt: number,
): Promise<string | undefined> {
  if (!container.terminationMessagePath) return undefined
  const path = join(rootDir, 'pods', pod.metadata.uid, 'containers', container.name, String(attempt))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, '')
  await chmod(path, 0o666)
  return path
}
