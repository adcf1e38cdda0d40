import { asFound, type ReferencePlugin } from './cluster.ts'
import { allocatable, podRequests, requestedOn } from './requests.ts'

/** Cpu and memory used in equal shares; real requests count (plugins/noderesources/balanced_allocation.go of 1.34). */
export const balancedAllocation: ReferencePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  score(pod, nodes, cluster) {
    const requested = podRequests(pod)
    if (!requested.cpu && !requested.memory) return nodes.map(() => 0)
    return nodes.map(node => {
      const [room, used] = [allocatable(node), requestedOn(node, asFound(cluster))]
      const shares = ['cpu', 'memory'].flatMap(resource => {
        const capacity = room[resource] ?? 0
        return capacity === 0 ? [] : [Math.min(1, ((used[resource] ?? 0) + (requested[resource] ?? 0)) / capacity)]
      })
      const [first = 0, second = first] = shares
      return Math.trunc((1 - Math.abs((first - second) / 2)) * 100)
    })
  },
}
