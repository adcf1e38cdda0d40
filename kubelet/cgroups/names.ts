import type { QosClass } from '../../api/placement/qos.ts'
import type { CgroupSeat } from '../runtime/runtime.ts'

const podPrefix = 'pod'

/** `kubepods`: everything that pods may use together. */
export function nodeCgroup({ root }: CgroupSeat): string[] {
  return [...root, 'kubepods']
}

/** Guaranteed pods lie in `kubepods` itself (pkg/kubelet/cm/qos_container_manager_linux.go). */
export function qosCgroup(seat: CgroupSeat, qos: QosClass): string[] {
  return qos === 'Guaranteed' ? nodeCgroup(seat) : [...nodeCgroup(seat), qos.toLowerCase()]
}

export function podCgroup(seat: CgroupSeat, qos: QosClass, podUid: string): string[] {
  return [...qosCgroup(seat, qos), `${podPrefix}${podUid}`]
}

/** Where a cgroup lies in a hierarchy. In systemd's slices a dash is a step down, so dashes within names become underscores. */
export function cgroupFolder({ driver }: CgroupSeat, name: readonly string[]): string {
  return driver === 'cgroupfs' ? `/${name.join('/')}` : `/${slicesOf(name).join('/')}`
}

/** How the engine wants to be told of it, as the parent of a container. */
export function cgroupParent(seat: CgroupSeat, name: readonly string[]): string {
  return seat.driver === 'cgroupfs' ? cgroupFolder(seat, name) : (slicesOf(name).at(-1) ?? '')
}

/** Whose cgroup a folder is, by its own name; `undefined`: no pod's. */
export function podUidOf({ driver }: CgroupSeat, folder: string): string | undefined {
  const own =
    driver === 'cgroupfs'
      ? folder
      : (folder
          .replace(/\.slice$/, '')
          .split('-')
          .at(-1) ?? '')
  if (!own.startsWith(podPrefix)) return undefined
  const uid = own.slice(podPrefix.length)
  return driver === 'cgroupfs' ? uid : uid.replaceAll('_', '-')
}

function slicesOf(name: readonly string[]): string[] {
  const escaped = name.map(step => step.replaceAll('-', '_'))
  return escaped.map((_, i) => `${escaped.slice(0, i + 1).join('-')}.slice`)
}
