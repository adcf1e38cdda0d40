import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import { fromLabelSelector, type LabelSelectorObject, matchesLabels } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { ListerOf } from '../../client/controller.ts'
import { objectCache } from '../../client/object-cache.ts'
import { podsByLabel, selectorIndex } from './label-index.ts'
import { podWith } from './test-objects.ts'

const budgets = selectorIndex(PodDisruptionBudget, ({ spec }) => fromLabelSelector(spec.selector))

const budget = (namespace: string, name: string, selector: LabelSelectorObject | undefined): KubeObject =>
  ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { namespace, name, uid: name, resourceVersion: '1', creationTimestamp: '' },
    spec: { selector },
  }) as never

const key = fc.constantFrom('app', 'tier', 'zone')
const value = fc.constantFrom('a', 'b', 'c')
const labels = fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true })
const expression = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
)
const selector = fc.option(fc.record({ matchLabels: labels, matchExpressions: fc.array(expression, { maxLength: 2 }) }), {
  nil: undefined,
})
const namespace = fc.constantFrom('x', 'y')

test('what the indexes find is what looking at everything finds, in either direction', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(namespace, selector), { maxLength: 8 }),
      fc.array(fc.tuple(namespace, labels), { maxLength: 8 }),
      (selectors, pods) => {
        const podCache = objectCache<KubeObject>()
        const budgetCache = objectCache<KubeObject>()
        podCache.index(podsByLabel.name, podsByLabel.values)
        budgetCache.index(budgets.index.name, budgets.index.values)
        const allPods = pods.map(([ns, labels], i) => podWith({ metadata: { namespace: ns, name: `p${i}`, labels } }))
        const allBudgets = selectors.map(([ns, each], i) => budget(ns, `b${i}`, each))
        for (const pod of allPods) podCache.set(pod)
        for (const each of allBudgets) budgetCache.set(each)
        const lister = ((kind: unknown) => (kind === Pod ? podCache : budgetCache)) as unknown as ListerOf
        const matches = (each: KubeObject, pod: Pod) =>
          each.metadata.namespace === pod.metadata.namespace &&
          matchesLabels(fromLabelSelector((each as unknown as PodDisruptionBudget).spec.selector), pod.metadata.labels)
        const names = (found: readonly { metadata: { name: string } }[]) => found.map(({ metadata }) => metadata.name).sort()
        for (const pod of allPods) {
          expect(names(budgets.selecting(lister, pod))).toEqual(names(allBudgets.filter(each => matches(each, pod))))
        }
        for (const each of allBudgets) {
          const found = budgets.podsOf(lister, each as never)
          expect(names(found)).toEqual(names(allPods.filter(pod => matches(each, pod))))
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('a pod finds its budget among thousands without looking at them', () => {
  const budgetCache = objectCache<KubeObject>()
  budgetCache.index(budgets.index.name, budgets.index.values)
  for (let i = 0; i < 2_000; i++) budgetCache.set(budget('x', `b${i}`, { matchLabels: { app: `a${i}`, part: 'shop' } }))
  let looked = 0
  const lister = (() => ({
    size: budgetCache.size,
    by: (name: string, value: string) => {
      const found = budgetCache.by(name, value)
      looked += found.length
      return found
    },
  })) as unknown as ListerOf
  const pod = podWith({ metadata: { namespace: 'x', name: 'p', labels: { app: 'a7', part: 'shop', version: '2' } } })
  expect(budgets.selecting(lister, pod).map(({ metadata }) => metadata.name)).toEqual(['b7'])
  expect(looked).toBeLessThan(3)
})
