import type { Pod } from '../../api/core/pod.ts'
import { podsOn, type ReferencePlugin } from './cluster.ts'

const name = 'NodePorts'

/** The ports of the node that containers and sidecars take. */
function hostPorts({ spec }: Pod) {
  const running = [...spec.containers, ...(spec.initContainers ?? []).filter(one => one.restartPolicy === 'Always')]
  return running
    .flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ hostPort, hostIP, protocol }) => ({ port: hostPort, ip: hostIP || '0.0.0.0', protocol: protocol || 'TCP' }))
}

/** Same port, same protocol, an address in common (plugins/nodeports). */
export const nodePorts: ReferencePlugin = {
  name,
  prepare: pod => (hostPorts(pod).length === 0 ? 'skip' : undefined),
  filter(pod, node, world) {
    const used = podsOn(node, world).flatMap(hostPorts)
    const isTaken = hostPorts(pod).some(({ port, ip, protocol }) =>
      used.some(
        other =>
          other.port === port && other.protocol === protocol && (other.ip === ip || ip === '0.0.0.0' || other.ip === '0.0.0.0'),
      ),
    )
    return isTaken
      ? { code: 'Unschedulable', plugin: name, reasons: ["node(s) didn't have free ports for the requested pod ports"] }
      : undefined
  },
}
