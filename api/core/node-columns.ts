import { age, column, orNone, wide } from '../columns.ts'
import type { Column } from '../kind.ts'
import type { NodeObject } from './node-spec.ts'

const rolePrefix = 'node-role.kubernetes.io/'
const unknown = (text: string) => text || '<unknown>'
const addressOf = ({ status }: NodeObject, wanted: string) => status.addresses?.find(({ type }) => type === wanted)?.address

/** How `get nodes` sees nodes (pkg/printers/internalversion/printers.go printNode). */
export const nodeColumns: Column<NodeObject>[] = [
  column('Status', 'Whether it is ready, and takes pods.', statusOf),
  column('Roles', 'What it is for, from its labels.', rolesOf),
  age,
  column('Version', 'Version of its kubelet.', ({ status }) => status.nodeInfo.kubeletVersion),
  wide('Internal-IP', 'Its address inside the cluster.', node => orNone(addressOf(node, 'InternalIP'))),
  wide('External-IP', 'Its address for the world.', node => orNone(addressOf(node, 'ExternalIP'))),
  wide('OS-Image', 'Its operating system.', ({ status }) => unknown(status.nodeInfo.osImage)),
  wide('Kernel-Version', 'Its kernel.', ({ status }) => unknown(status.nodeInfo.kernelVersion)),
  wide('Container-Runtime', 'What runs its containers.', ({ status }) => unknown(status.nodeInfo.containerRuntimeVersion)),
]

function statusOf({ spec, status }: NodeObject): string {
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  const text = !ready ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec.unschedulable ? `${text},SchedulingDisabled` : text
}

function rolesOf({ metadata: { labels = {} } }: NodeObject): string {
  const roles = new Set<string>()
  for (const key in labels) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) roles.add(key.slice(rolePrefix.length))
    else if (key === 'kubernetes.io/role' && labels[key]) roles.add(labels[key])
  }
  return orNone([...roles].sort().join(','))
}
