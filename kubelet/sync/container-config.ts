import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Pod } from '../../api/core/pod.ts'
import type { KubeletContext } from '../context.ts'
import type { FileKeyRef } from '../env/env-file.ts'
import { computeEnvironment, expandAll, type KeyValues, referencesOf } from '../env/environment.ts'
import { serviceVariables } from '../env/service-env.ts'
import { podHostname } from '../network/hostname.ts'
import { hostsFile } from '../network/hosts-file.ts'
import type { AnyContainer, ContainerRole } from '../pod-types.ts'
import type { ContainerConfig, ContainerState, ImageInfo, Mount } from '../runtime/runtime.ts'
import { volumeDevicesOf, volumeGroupsOf, volumeMountsOf } from '../volumes/container-mounts.ts'
import { systemMounter } from '../volumes/mounter.ts'
import type { MountedVolume } from '../volumes/volumes.ts'
import { containerAnnotations, containerLabels } from './labels.ts'
import { containerResources } from './resources.ts'
import { securityConfig } from './security.ts'

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
  const { seccompDefault } = config
  const seccompRoot = join(context.rootDir, 'seccomp')
  const security = securityConfig(pod, container, image.user, { seccompDefault, seccompRoot })
  const environment = await environmentOf(context, input)
  const mounts = await mountsOf(context, input, environment)
  const terminationMessageFile = config.usesDisk ? await terminationFile(context, pod, container, attempt) : undefined
  if (terminationMessageFile)
    mounts.push({ hostPath: terminationMessageFile, containerPath: container.terminationMessagePath ?? '', readOnly: false })
  const devices = volumeDevicesOf(input)
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
    ...(container.lifecycle?.stopSignal && { stopSignal: container.lifecycle.stopSignal }),
    env: [...environment].map(([name, value]) => ({ name, value })),
    mounts,
    ...(devices.length > 0 && { devices }),
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, { attempt, terminationMessageFile }),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    sharePid: pod.spec.shareProcessNamespace ?? false,
    ...(target && { targetContainerId: target.id }),
    resources: containerResources(context, pod, container, role),
    security: {
      ...security,
      supplementalGroups: [...new Set([...security.supplementalGroups, ...volumeGroupsOf(input.volumes)])],
    },
    cgroupParent: '',
  }
}

async function environmentOf(
  context: KubeletContext,
  { pod, container, podIp, volumes }: ContainerConfigInput,
): Promise<Map<string, string>> {
  const { objects, nodeIps } = context
  const { namespace } = pod.metadata
  const wanted = referencesOf(container)
  const fetchAll = async (names: ReadonlySet<string>, fetch: (name: string) => Promise<KeyValues | undefined>) =>
    new Map(await Promise.all([...names].map(async name => [name, await fetch(name)] as const)))
  const [configMaps, secrets, files] = await Promise.all([
    fetchAll(wanted.configMap, name => objects.configMapText(namespace, name)),
    fetchAll(wanted.secret, async name => asText(await objects.secret(namespace, name))),
    filesOf(container, volumes),
  ])
  return computeEnvironment({
    pod,
    container,
    serviceVariables: serviceVariables(context.services(), namespace, pod.spec.enableServiceLinks),
    references: { configMap: name => configMaps.get(name), secret: name => secrets.get(name), file: ref => files.get(ref) },
    addresses: { podIps: podIp ? [podIp] : nodeIps, hostIps: nodeIps },
    allocatable: context.node()?.status.allocatable ?? {},
  })
}

/** What the files that a container's variables name say. Most name none. */
async function filesOf(
  { env = [] }: AnyContainer,
  volumes: ContainerConfigInput['volumes'],
): Promise<ReadonlyMap<FileKeyRef, string | undefined>> {
  const refs = env.flatMap(({ valueFrom }) => valueFrom?.fileKeyRef ?? [])
  if (refs.length === 0) return new Map()
  const { fileValue } = await import('../env/env-file.ts')
  const read = async (ref: FileKeyRef) => [ref, await fileValue(ref, volumes.get(ref.volumeName)?.path)] as const
  return new Map(await Promise.all(refs.map(read)))
}

type BytesOrNothing = Readonly<Record<string, Uint8Array>> | undefined

function asText(values: BytesOrNothing): KeyValues | undefined {
  return values && Object.fromEntries(Object.entries(values).map(([key, bytes]) => [key, Buffer.from(bytes).toString()]))
}

async function mountsOf(
  context: KubeletContext,
  { pod, container, podIp, volumes }: ContainerConfigInput,
  environment: ReadonlyMap<string, string>,
): Promise<Mount[]> {
  const mounts = await volumeMountsOf({
    container,
    volumes,
    environment,
    podFolder: join(context.rootDir, 'pods', pod.metadata.uid),
    mounter: context.mounter ?? systemMounter,
    usesDisk: context.config.usesDisk,
    supportsRecursiveReadOnly: context.runtime.supportsRecursiveReadOnly ?? false,
  })
  const hasOwnHosts = mounts.some(mount => mount.containerPath === '/etc/hosts')
  if (context.config.usesDisk && !hasOwnHosts && (podIp !== '' || pod.spec.hostNetwork))
    mounts.push({ hostPath: await writeHosts(context, pod, podIp), containerPath: '/etc/hosts', readOnly: false })
  return mounts
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
