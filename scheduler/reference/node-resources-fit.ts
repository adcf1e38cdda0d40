import { asFound, podsOn, type ReferencePlugin } from './cluster.ts'
import { allocatable, assumedRequests, podRequests, requestedOn, scoringRequests } from './requests.ts'

const name = 'NodeResourcesFit'

/** Room for what the pod really asks for; LeastAllocated over cpu and memory (plugins/noderesources/fit.go, least_allocated.go). */
export const nodeResourcesFit: ReferencePlugin = {
  name,
  weight: 1,
  filter(pod, node, world) {
    const reasons: string[] = []
    const [room, requested, used] = [allocatable(node), podRequests(pod), requestedOn(node, world)]
    if (podsOn(node, world).length + 1 > (room.pods ?? 0)) reasons.push('Too many pods')
    let isHopeless = false
    for (const [resource, amount] of Object.entries(requested)) {
      const capacity = room[resource] ?? 0
      if (amount === 0 || amount <= capacity - (used[resource] ?? 0)) continue
      reasons.push(`Insufficient ${resource}`)
      if (amount > capacity) isHopeless = true
    }
    return reasons.length === 0 ? undefined : { code: isHopeless ? 'Unresolvable' : 'Unschedulable', plugin: name, reasons }
  },
  score: (pod, nodes, cluster) =>
    nodes.map(node => {
      const [room, requested] = [allocatable(node), podRequests(pod, assumedRequests)]
      const used = requestedOn(node, asFound(cluster), scoringRequests)
      const scores = ['cpu', 'memory'].flatMap(resource => {
        const capacity = room[resource] ?? 0
        const sum = (used[resource] ?? 0) + (requested[resource] ?? 0)
        if (capacity === 0) return []
        return [sum > capacity ? 0 : Math.trunc(((capacity - sum) * 100) / capacity)]
      })
      return scores.length === 0 ? 0 : Math.trunc(scores.reduce((a, b) => a + b, 0) / scores.length)
    }),
}
