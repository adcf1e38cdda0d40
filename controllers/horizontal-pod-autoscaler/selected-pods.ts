import { Pod } from '../../api/core/pod.ts'
import { type LabelRequirements, matchesLabels } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { ListerOf } from '../../client/controller.ts'
import { podsByLabel } from '../shared/label-index.ts'

/** The pods of a namespace that a selector selects: of those with a label that it demands, the fewest. For who declared `podsByLabel`. */
export function selectedPods(lister: ListerOf, namespace: string, selector: LabelRequirements): readonly Pod[] {
  const pods = lister(Pod)
  const demands = selector.filter(({ operator, values }) => operator === '=' || (operator === 'in' && values.length === 1))
  const filed = demands.map(({ key, values: [value = ''] }) => {
    const example = { metadata: { namespace, labels: { [key]: value } } } as unknown as KubeObject
    return podsByLabel.values(example).flatMap(drawer => pods.by(podsByLabel.name, drawer))
  })
  const [first = pods.list(namespace), ...more] = filed
  const fewest = more.reduce((best, each) => (each.length < best.length ? each : best), first)
  return fewest.filter(({ metadata }) => matchesLabels(selector, metadata.labels))
}
