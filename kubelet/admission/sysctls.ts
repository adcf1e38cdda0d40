import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { NodeRefusal } from '../../api/placement/admit.ts'
import { dottedSysctl } from '../sync/sysctls.ts'

/** Which kernel parameters pods may set, by name or by how the name begins; with the namespace that each belongs to. */
export interface SysctlAllowlist {
  readonly names: ReadonlyMap<string, Namespace>
  readonly prefixes: ReadonlyMap<string, Namespace>
}

type Namespace = 'IPC' | 'Net'

/** Those that touch nobody else, with the kernel from which on that is so (pkg/kubelet/sysctl/safe_sysctls.go). */
const safe: readonly (readonly [name: string, since?: string])[] = [
  ['kernel.shm_rmid_forced'],
  ['net.ipv4.ip_local_port_range'],
  ['net.ipv4.tcp_syncookies'],
  ['net.ipv4.ping_group_range'],
  ['net.ipv4.ip_unprivileged_port_start'],
  ['net.ipv4.ip_local_reserved_ports', '3.16'],
  ['net.ipv4.tcp_keepalive_time', '4.5'],
  ['net.ipv4.tcp_fin_timeout', '4.6'],
  ['net.ipv4.tcp_keepalive_intvl', '4.5'],
  ['net.ipv4.tcp_keepalive_probes', '4.5'],
  ['net.ipv4.tcp_rmem', '4.15'],
  ['net.ipv4.tcp_wmem', '4.15'],
]

const ofIpc = new Set([
  ...['kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni', 'kernel.shm_rmid_forced', 'kernel.shm'],
  ...['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.msg'],
])

function namespaceOf(name: string): Namespace | undefined {
  if (ofIpc.has(name) || name.startsWith('fs.mqueue.')) return 'IPC'
  return name.startsWith('net.') ? 'Net' : undefined
}

const pattern = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*([a-z0-9][-_a-z0-9]*)?[a-z0-9*]$/
const patternRule =
  'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*([a-z0-9][-_a-z0-9]*)?[a-z0-9*]$'

/** The safe ones of a kernel and those that the node's owner adds. Throws an Error about one that cannot be (pkg/kubelet/sysctl/allowlist.go). */
export function sysctlAllowlist(kernelVersion: string, unsafe: readonly string[]): SysctlAllowlist {
  const names = new Map<string, Namespace>()
  const prefixes = new Map<string, Namespace>()
  const add = (given: string) => {
    const name = dottedSysctl(given)
    const star = name.indexOf('*')
    const prefix = star < 0 ? name : name.slice(0, star)
    const namespace = namespaceOf(prefix)
    if (!namespace) throw new Error(`the sysctls "${prefix}" are not known to be namespaced`)
    if (star < 0) names.set(name, namespace)
    else prefixes.set(prefix, namespace)
  }
  for (const [name, since = '0'] of safe) if (isAtLeast(kernelVersion, since)) add(name)
  for (const each of unsafe) {
    if (each.length > 253 || !pattern.test(each)) throw new Error(`sysctl "${each}" ${patternRule}`)
    add(each)
  }
  return { names, prefixes }
}

/** A kernel that does not say how old it is is taken for a new one: only old ones lack something. */
function isAtLeast(version: string, least: string): boolean {
  if (version === '') return true
  const parts = (text: string) => text.split(/[.-]/).map(Number)
  const [[major = 0, minor = 0], [leastMajor = 0, leastMinor = 0]] = [parts(version), parts(least)]
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
}

interface Input {
  readonly pod: Pod
  readonly node: Node
  /** Absent: only the safe ones. */
  readonly allowedUnsafeSysctls?: readonly string[]
}

/** Whether a pod wants to set what it may not. Nothing that belongs to the node, where it shares the node's namespace. */
export function refusedForSysctls({ pod: { spec }, node, allowedUnsafeSysctls = [] }: Input): NodeRefusal | undefined {
  const { sysctls = [] } = spec.securityContext
  if (sysctls.length === 0) return undefined
  const { names, prefixes } = sysctlAllowlist(node.status.nodeInfo?.kernelVersion ?? '', allowedUnsafeSysctls)
  for (const { name: given } of sysctls) {
    const name = dottedSysctl(given)
    const namespace = names.get(name) ?? [...prefixes].find(([prefix]) => name.startsWith(prefix))?.[1]
    const isOfHost = (namespace === 'IPC' && spec.hostIPC) || (namespace === 'Net' && spec.hostNetwork)
    if (namespace && !isOfHost) continue
    const why = namespace ? `not allowed with host ${namespace} enabled` : 'not allowlisted'
    return { reason: 'SysctlForbidden', message: `forbidden sysctl: "${name}" ${why}` }
  }
  return undefined
}
