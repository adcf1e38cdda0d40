import type { Pod } from '../../api/core/pod.ts'
import type { KubeletContext } from '../context.ts'
import type { AnyContainer } from '../pod-types.ts'
import type { ContainerConfig } from '../runtime/runtime.ts'
import { resourcesAnnotation } from './resizes.ts'

/**
 * A container's configuration with what its pod has on this node: the pod's cgroup, the container's devices, and a note of the
 * resources it is made with, by which a later resize goes. What the spec says of the environment wins over what devices say.
 */
export async function withPodResources(
  { cgroups, devices }: Pick<KubeletContext, 'cgroups' | 'devices'>,
  pod: Pod,
  { name, resources }: AnyContainer,
  config: ContainerConfig,
): Promise<ContainerConfig> {
  const [cgroupParent, options] = await Promise.all([cgroups?.ensure(pod) ?? '', devices?.optionsFor(pod.metadata.uid, name)])
  const annotations = resources ? { ...config.annotations, [resourcesAnnotation]: JSON.stringify(resources) } : config.annotations
  const plain = { ...config, annotations, cgroupParent }
  if (!options) return plain
  const own = new Set(config.env.map(variable => variable.name))
  const env = Object.entries(options.env).map(([name, value]) => ({ name, value }))
  return {
    ...plain,
    annotations: { ...options.annotations, ...annotations },
    env: [...env.filter(variable => !own.has(variable.name)), ...config.env],
    mounts: [...config.mounts, ...options.mounts],
    devices: [...(config.devices ?? []), ...options.nodes],
  }
}
