import type { PluginArguments } from '../../api/scheduler-config/arguments.ts'
import { matchesLabels } from '../../api/selectors.ts'
import type { PodInfo } from '../pod-info.ts'
import type { DefaultSelector } from './default-selector.ts'
import { type Constraint, constraintsOf, type Demand } from './spread-constraints.ts'

/** The constraints that count for a pod, and whether a node without one of their labels is out of the question. */
export type ConstraintsFor = (
  pod: PodInfo,
  demand: Demand,
) => { readonly constraints: Constraint[]; readonly needsAllKeys: boolean }

/** What a pod without constraints of its own wishes for: its like spread over nodes and zones (plugins/podtopologyspread/plugin.go). */
const wishedBySystem = [
  { topologyKey: 'kubernetes.io/hostname', maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
] as const

/** A pod's own constraints of any sort replace the defaults of every sort. Defaults are for pods that something selects. */
export function constraintsWithDefaults(
  defaultSelector: DefaultSelector,
  { defaultingType, defaultConstraints }: PluginArguments['PodTopologySpread'],
): ConstraintsFor {
  const isSystem = defaultingType === 'System'
  const defaults: PluginArguments['PodTopologySpread']['defaultConstraints'] = isSystem ? [...wishedBySystem] : defaultConstraints
  return (pod, demand) => {
    if (pod.pod.spec.topologySpreadConstraints?.length) return { constraints: constraintsOf(pod, demand), needsAllKeys: true }
    const wanted = defaults.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === demand)
    const selector = wanted.length > 0 ? defaultSelector(pod) : 'nothing'
    if (selector === 'nothing') return { constraints: [], needsAllKeys: !isSystem }
    const id = `spread ${pod.namespace} by default ${JSON.stringify(selector)}`
    const constraints = wanted.map(({ topologyKey, maxSkew, minDomains = 1, nodeAffinityPolicy, nodeTaintsPolicy }) => ({
      topologyKey,
      maxSkew,
      minDomains,
      selector,
      equalLabels: [],
      countsNobody: false,
      id,
      selfMatch: matchesLabels(selector, pod.labels) ? (1 as const) : (0 as const),
      honorsAffinity: nodeAffinityPolicy !== 'Ignore',
      honorsTaints: nodeTaintsPolicy === 'Honor',
    }))
    return { constraints, needsAllKeys: !isSystem }
  }
}
