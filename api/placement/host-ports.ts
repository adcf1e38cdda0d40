import { isSidecar } from './pod-requests.ts'

export interface HostPort {
  readonly protocol: string
  readonly ip: string
  readonly port: number
}

interface PortsOfContainer {
  readonly restartPolicy?: string | undefined
  readonly ports?:
    | readonly {
        readonly hostPort?: number | undefined
        readonly hostIP?: string | undefined
        readonly protocol?: string | undefined
      }[]
    | undefined
}

/** As much of a pod's spec as says which ports of the node it takes. */
export interface PodPorts {
  readonly containers: readonly PortsOfContainer[]
  readonly initContainers?: readonly PortsOfContainer[] | undefined
}

/** The refusal, as scheduler and kubelet word it. */
export const hostPortsReason = "node(s) didn't have free ports for the requested pod ports"

const noPorts: readonly HostPort[] = []

/** The node's ports that a pod takes while it runs: those of its containers and sidecars. */
export function hostPortsOf(spec: PodPorts): readonly HostPort[] {
  let found: HostPort[] | undefined
  const take = (container: PortsOfContainer) => {
    for (const { hostPort = 0, hostIP, protocol } of container.ports ?? []) {
      if (hostPort <= 0) continue
      found ??= []
      found.push({ protocol: protocol || 'TCP', ip: hostIP || '0.0.0.0', port: hostPort })
    }
  }
  for (const container of spec.initContainers ?? []) if (isSidecar(container)) take(container)
  for (const container of spec.containers) take(container)
  return found ?? noPorts
}

/** Whether two pods cannot both have what they ask for: same protocol and port, and an address in common. */
export function portsConflict(wanted: readonly HostPort[], used: readonly HostPort[]): boolean {
  return wanted.some(want => used.some(use => conflict(want, use)))
}

function conflict(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0')
}
