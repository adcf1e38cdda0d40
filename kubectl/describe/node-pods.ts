import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { ageOf } from '../../api/duration.ts'
import { type Amounts, addAmounts, amountsOf, podLimits, podRequests } from '../../api/placement/pod-requests.ts'
import { formatQuantity, quantityOf, quantityOfMilli } from '../../api/quantity.ts'
import type { Page } from './page.ts'

const usual = new Set(['cpu', 'memory', 'ephemeral-storage', 'pods'])

/** Which pods are on a node, what each has asked for, and what that comes to. */
export function nodePods(page: Page, { status }: Node, pods: readonly Pod[], now: number): void {
  const room = amountsOf(Object.keys(status.allocatable ?? {}).length > 0 ? status.allocatable : status.capacity)
  page.line(0, `Non-terminated Pods:\t(${pods.length} in total)`)
  page.line(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge')
  page.line(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---')
  const requested: Amounts = {}
  const limited: Amounts = {}
  for (const { metadata, spec } of pods) {
    const requests = podRequests(spec)
    const limits = podLimits(spec)
    addAmounts(requested, requests)
    addAmounts(limited, limits)
    const shares = (['cpu', 'memory'] as const).flatMap(name => [share(name, requests, room), share(name, limits, room)])
    page.line(1, [metadata.namespace, metadata.name, '', ...shares, ageOf(metadata.creationTimestamp, now)].join('\t'))
  }
  page.line(0, 'Allocated resources:')
  page.line(1, '(Total limits may be over 100 percent, i.e., overcommitted.)')
  page.line(1, 'Resource\tRequests\tLimits')
  page.line(1, '--------\t--------\t------')
  const others = Object.keys(room).filter(name => !usual.has(name))
  const pages = others.filter(name => name.startsWith('hugepages-')).sort()
  for (const name of ['cpu', 'memory', 'ephemeral-storage', ...pages]) {
    page.line(1, `${name}\t${share(name, requested, room)}\t${share(name, limited, room)}`)
  }
  for (const name of others.filter(name => !name.startsWith('hugepages-')).sort()) {
    page.line(1, `${name}\t${requested[name] ?? 0}\t${limited[name] ?? 0}`)
  }
}

/** `250m (12%)`: an amount and its part of the node. */
function share(name: string, amounts: Amounts, room: Amounts): string {
  const amount = amounts[name] ?? 0
  const all = room[name] ?? 0
  return `${quantity(name, amount)} (${all === 0 ? 0 : Math.trunc((amount / all) * 100)}%)`
}

function quantity(name: string, amount: number): string {
  return formatQuantity(name === 'cpu' ? quantityOfMilli(amount) : quantityOf(amount, 'BinarySI'))
}
