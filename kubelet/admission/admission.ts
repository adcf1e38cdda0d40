import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { admitPod, type NodeRefusal } from '../../api/placement/admit.ts'
import { qosClassOf } from '../../api/placement/qos.ts'
import { tolerates } from '../../api/placement/tolerations.ts'
import { isCriticalPod } from '../pod-types.ts'

/** The kernel parameters that pods may set unasked (pkg/kubelet/sysctl/safe_sysctls.go). */
const safeSysctls = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
])

export interface AdmissionInput {
  readonly pod: Pod
  readonly node: Node
  /** Admitted pods that have not finished. */
  readonly others: readonly Pod[]
  /** Pressure conditions that are True now: `MemoryPressure`, ... */
  readonly pressures: readonly string[]
}

/**
 * Whether a pod may start here: pressure, kernel parameters, then the scheduler's filters once more; the first refusal counts
 * (semantics C9). `undefined`: it may.
 */
export function refusePod({ pod, node, others, pressures }: AdmissionInput): NodeRefusal | undefined {
  return refusedUnderPressure(pod, pressures) ?? refusedForSysctls(pod) ?? admitPod(pod, node, others)
}

/** Critical pods always; while only memory is short, whoever asked for some, or tolerates the taint (semantics C11). */
function refusedUnderPressure(pod: Pod, pressures: readonly string[]): NodeRefusal | undefined {
  if (pressures.length === 0 || isCriticalPod(pod)) return undefined
  if (pressures.length === 1 && pressures[0] === 'MemoryPressure') {
    if (qosClassOf(pod.spec) !== 'BestEffort') return undefined
    const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' }
    if (pod.spec.tolerations?.some(toleration => tolerates(toleration, taint))) return undefined
  }
  return { reason: 'Evicted', message: `The node had condition: [${pressures.join(', ')}]. ` }
}

function refusedForSysctls({ spec }: Pod): NodeRefusal | undefined {
  const forbidden = spec.securityContext.sysctls?.find(({ name }) => !safeSysctls.has(name.replaceAll('/', '.')))
  return forbidden && { reason: 'SysctlForbidden', message: `forbidden sysctl: "${forbidden.name}" not allowlisted` }
}
