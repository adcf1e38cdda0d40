import { hostPortsReason, portsConflict } from '../../api/placement/host-ports.ts'
import { type Plugin, unschedulable } from '../framework.ts'

const name = 'NodePorts'
const refusal = unschedulable(name, hostPortsReason)

/** A port of the node can be had by one pod only. */
export const nodePorts: Plugin = {
  name,
  looksAt: ({ ports }) => ports,
  preFilter: ({ pod }) => (pod.ports.length > 0 ? { state: undefined } : 'skip'),
  filter: (pod, node) => (portsConflict(pod.ports, node.ports) ? refusal : undefined),
  wakes: {
    assignedPod: (pod, { action, before }) => action === 'delete' && !!before && portsConflict(pod.ports, before.ports),
    node: (_, { action }) => action === 'add',
  },
}
