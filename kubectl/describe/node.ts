import type { Lease } from '../../api/coordination/lease.ts'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { isReason } from '../../api/errors.ts'
import type { Around, Describer } from './around.ts'
import { events } from './events.ts'
import { nodePods } from './node-pods.ts'
import { page as newPage, type Page } from './page.ts'
import { annotations, labels, longTime, taints } from './parts.ts'

const rolePrefix = 'node-role.kubernetes.io/'

export const describeNode: Describer<Node> = async (node, around) => {
  const { metadata, spec, status } = node
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  page.line(0, `Roles:\t${rolesOf(node).join(',') || '<none>'}`)
  labels(page, node)
  annotations(page, metadata.annotations)
  page.line(0, `CreationTimestamp:\t${longTime(metadata.creationTimestamp)}`)
  taints(page, spec.taints)
  page.line(0, `Unschedulable:\t${spec.unschedulable ?? false}`)
  await lease(page, metadata.name, around)
  conditions(page, node)
  page.line(0, 'Addresses:')
  for (const { type, address } of status.addresses ?? []) page.line(1, `${type}:\t${address}`)
  amounts(page, 'Capacity', status.capacity)
  amounts(page, 'Allocatable', status.allocatable)
  systemInfo(page, node)
  if (spec.podCIDR) page.line(0, `PodCIDR:\t${spec.podCIDR}`)
  if (spec.podCIDRs?.length) page.line(0, `PodCIDRs:\t${spec.podCIDRs.join(',')}`)
  if (spec.providerID) page.line(0, `ProviderID:\t${spec.providerID}`)
  const pods = await livePods(metadata.name, around)
  if (pods) nodePods(page, node, pods, around.now)
  else page.line(0, 'Pods:\tnot authorized')
  events(page, around.events, around.now)
  return page.text()
}

function rolesOf({ metadata }: Node): string[] {
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.length > rolePrefix.length ? [key.slice(rolePrefix.length)] : []
    return key === 'kubernetes.io/role' && value ? [value] : []
  })
  return [...new Set(roles)].sort()
}

async function lease(page: Page, name: string, around: Around): Promise<void> {
  let found: Lease
  try {
    found = await around.get<Lease>('leases.coordination.k8s.io', 'kube-node-lease', name)
  } catch (error) {
    return page.line(0, `Lease:\tFailed to get lease: ${(error as Error).message}`)
  }
  const { holderIdentity = '<unset>', acquireTime, renewTime } = found.spec
  page.line(0, 'Lease:')
  page.line(1, `HolderIdentity:\t${holderIdentity}`)
  page.line(1, `AcquireTime:\t${acquireTime ? longTime(acquireTime) : '<unset>'}`)
  page.line(1, `RenewTime:\t${renewTime ? longTime(renewTime) : '<unset>'}`)
}

function conditions(page: Page, { status }: Node): void {
  if (!status.conditions?.length) return
  page.line(0, 'Conditions:')
  page.line(0, '  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage')
  page.line(1, '----\t------\t-----------------\t------------------\t------\t-------')
  for (const { type, status: is, lastHeartbeatTime, lastTransitionTime, reason = '', message = '' } of status.conditions) {
    page.line(
      1,
      [`${type} `, `${is} `, `${longTime(lastHeartbeatTime)} `, `${longTime(lastTransitionTime)} `, `${reason} `, message].join(
        '\t',
      ),
    )
  }
}

function amounts(page: Page, title: string, map: Readonly<Record<string, string>> | undefined): void {
  const names = Object.keys(map ?? {}).sort()
  if (names.length > 0) page.line(0, `${title}:`)
  for (const name of names) page.line(1, `${name}:\t${map?.[name]}`)
}

function systemInfo(page: Page, { status }: Node): void {
  const info: Partial<NonNullable<typeof status.nodeInfo>> = status.nodeInfo ?? {}
  page.line(0, 'System Info:')
  for (const [title, text] of [
    ['Machine ID', info.machineID],
    ['System UUID', info.systemUUID],
    ['Boot ID', info.bootID],
    ['Kernel Version', info.kernelVersion],
    ['OS Image', info.osImage],
    ['Operating System', info.operatingSystem],
    ['Architecture', info.architecture],
    ['Container Runtime Version', info.containerRuntimeVersion],
    ['Kubelet Version', info.kubeletVersion],
    ['Kube-Proxy Version', info.kubeProxyVersion],
  ]) {
    page.line(1, `${title}:\t${text ?? ''}`)
  }
}

async function livePods(nodeName: string, around: Around): Promise<readonly Pod[] | undefined> {
  const fieldSelector = `spec.nodeName=${nodeName},status.phase!=Succeeded,status.phase!=Failed`
  try {
    return await around.list<Pod>('pods', undefined, { fieldSelector })
  } catch (error) {
    if (isReason(error, 'Forbidden')) return undefined
    throw error
  }
}
