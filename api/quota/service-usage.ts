import type { ServiceObject } from '../core/service-spec.ts'
import { quantityOf } from '../quantity.ts'
import type { Evaluator } from './evaluator.ts'

const names = ['count/services', 'services', 'services.nodeports', 'services.loadbalancers']

/** Services: their number, their node ports and their load balancers (pkg/quota/v1/evaluator/core/services.go). */
export const serviceEvaluator: Evaluator<ServiceObject> = {
  counts: name => names.includes(name),
  usage({ spec }) {
    const isBalanced = spec.type === 'LoadBalancer'
    return {
      'count/services': quantityOf(1),
      services: quantityOf(1),
      'services.loadbalancers': quantityOf(isBalanced ? 1 : 0),
      'services.nodeports': quantityOf(nodePortsOf(spec)),
    }
  },
  fits: () => false,
  handles: ({ subresource }) => subresource === undefined,
}

function nodePortsOf({ type, ports = [], allocateLoadBalancerNodePorts }: ServiceObject['spec']): number {
  if (type === 'NodePort') return ports.length
  if (type !== 'LoadBalancer') return 0
  return allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort).length : ports.length
}
