import { milliValue, value } from '../../api/quantity.ts'
import type { KubeletConfig } from '../config.ts'
import type { FilesystemUsage } from '../runtime/runtime.ts'
import type { Machine } from './machine.ts'

type Quantities = Readonly<Record<string, string>>

/** What is set aside: `reservedSystemCPUs` takes the place of every reservation of cpu (cmd/kubelet/app/server.go). */
export function reservations({
  kubeReserved,
  systemReserved,
  reservedSystemCPUs,
}: Pick<KubeletConfig, 'kubeReserved' | 'systemReserved' | 'reservedSystemCPUs'>): Quantities[] {
  if (!reservedSystemCPUs) return [kubeReserved, systemReserved]
  const { cpu: _cpu, ...kube } = kubeReserved
  return [kube, { ...systemReserved, cpu: String(countCpus(reservedSystemCPUs)) }]
}

/** How many processors a list such as `0-1,4` names. Throws when it is none. */
export function countCpus(list: string): number {
  const named = new Set<number>()
  for (const part of list.split(',')) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? []
    if (first === undefined || Number(last) < Number(first))
      throw new Error(`unable to parse reserved CPUs ${JSON.stringify(list)}: ${JSON.stringify(part)} is no range of processors`)
    for (let cpu = Number(first); cpu <= Number(last); cpu++) named.add(cpu)
  }
  return named.size
}

/** What a node has (semantics C16). Huge pages of a size the kernel does not know are there, but none of them. */
export function capacityOf({
  machine,
  filesystem,
  config,
}: {
  machine: Machine
  filesystem: FilesystemUsage
  config: KubeletConfig
}): Record<string, string> {
  const pods = config.podsPerCore > 0 ? Math.min(config.podsPerCore * machine.cpus, config.maxPods) : config.maxPods
  return {
    cpu: String(machine.cpus),
    memory: `${Math.trunc(machine.memoryInBytes / 1024)}Ki`,
    'ephemeral-storage': `${Math.trunc(filesystem.capacityInBytes / 1024)}Ki`,
    pods: String(pods),
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    ...machine.hugepages,
  }
}

/** What pods may use of it: capacity less what is reserved, what hard eviction keeps free, and of memory all huge pages; never below 0. */
export function allocatableOf(capacity: Quantities, config: KubeletConfig): Record<string, string> {
  const reserved = reservations(config)
  const { eviction } = config
  const result: Record<string, string> = { ...capacity }
  const sum = (name: string, parse: (text: string) => number) => reserved.reduce((all, one) => all + parse(one[name] ?? '0'), 0)
  const cpu = sum('cpu', milliValue)
  if (cpu > 0) result.cpu = `${Math.max(0, milliValue(capacity.cpu ?? '0') - cpu)}m`
  const hugepages = Object.keys(capacity).filter(name => name.startsWith('hugepages-'))
  const inHugepages = hugepages.reduce((all, name) => all + value(capacity[name] ?? '0'), 0)
  for (const [name, signal] of [
    ['memory', 'memory.available'],
    ['ephemeral-storage', 'nodefs.available'],
  ] as const) {
    const total = value(capacity[name] ?? '0')
    const kept = amountOf(eviction.hard[signal], total) + (name === 'memory' ? inHugepages : 0)
    result[name] = inKi(Math.max(0, total - sum(name, value) - kept))
  }
  for (const name of hugepages) {
    const kept = sum(name, value)
    if (kept > 0) result[name] = inKi(Math.max(0, value(capacity[name] ?? '0') - kept))
  }
  return result
}

const inKi = (bytes: number) => (bytes % 1024 === 0 ? `${bytes / 1024}Ki` : String(bytes))

/** A quantity, or a share of the total, in the total's unit; rounded down. */
export function amountOf(text: string | undefined, total: number): number {
  if (!text) return 0
  return text.endsWith('%') ? Math.trunc((total * Number(text.slice(0, -1))) / 100) : value(text)
}

/** What a kubelet cannot do as configured; throws for the first such thing. Asked before anything is started. */
export function refuseConfig(config: KubeletConfig): void {
  const refuse = (what: string, why: string) => {
    throw new Error(`${what} is not supported: ${why}`)
  }
  const { cpuManagerPolicy, memoryManagerPolicy, topologyManagerPolicy, enforceNodeAllocatable } = config
  if (cpuManagerPolicy !== 'none')
    refuse(`cpuManagerPolicy ${cpuManagerPolicy}`, 'containers share all processors that are not reserved; only "none" is')
  if (memoryManagerPolicy !== 'None')
    refuse(`memoryManagerPolicy ${memoryManagerPolicy}`, 'containers are tied to no memory bank; only "None" is')
  if (topologyManagerPolicy !== 'none')
    refuse(`topologyManagerPolicy ${topologyManagerPolicy}`, 'there is nothing to align devices with; only "none" is')
  for (const key of enforceNodeAllocatable)
    if (key !== 'pods' && key !== 'none')
      refuse(`enforceNodeAllocatable ${key}`, 'the cgroups of the system belong to whoever made them; only "pods" is')
  reservations(config)
}

/** More set aside than there is (pkg/kubelet/cm validateNodeAllocatable); throws what upstream says. */
export function refuseReservations(capacity: Quantities, config: KubeletConfig): void {
  const complaints: string[] = []
  for (const [name, signal] of [
    ['cpu', undefined],
    ['ephemeral-storage', 'nodefs.available'],
    ['memory', 'memory.available'],
  ] as const) {
    const parse = name === 'cpu' ? milliValue : value
    const total = parse(capacity[name] ?? '0')
    const asked = reservations(config).reduce((all, one) => all + parse(one[name] ?? '0'), 0)
    const reserved = asked + (signal ? amountOf(config.eviction.hard[signal], total) : 0)
    const text = (amount: number) => (name === 'cpu' ? `${amount}m` : String(amount))
    if (reserved > total)
      complaints.push(
        `Resource "${name}" has a reservation of ${text(reserved)} but capacity of ${text(total)}. Expected capacity >= reservation.`,
      )
  }
  if (complaints.length > 0) throw new Error(`invalid Node Allocatable configuration. ${complaints.join(' ')}`)
}
