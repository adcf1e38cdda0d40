import { expect, test } from 'vitest'
import { faults, made } from '../testing.ts'
import type { KubeObject } from '../transport.ts'
import { PodDisruptionBudget, PodDisruptionBudgetV1Beta1 } from './pod-disruption-budget.ts'

test.each<[object, string[]]>([
  [{ minAvailable: 1, selector: {} }, []],
  [{}, []],
  [
    { minAvailable: 1, maxUnavailable: 1 },
    ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set'],
  ],
  [{ minAvailable: -1 }, ['spec.minAvailable: Invalid value: -1: must be greater than or equal to 0']],
  [{ maxUnavailable: '101%' }, ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%']],
  [{ minAvailable: 'half' }, [expect.stringMatching(/^spec.minAvailable: Invalid value: "half": a valid percent string/)]],
  [
    { unhealthyPodEvictionPolicy: 'Odd' },
    ['spec.unhealthyPodEvictionPolicy: Unsupported value: "Odd": supported values: "AlwaysAllow", "IfHealthyBudget"'],
  ],
])('%j', (spec, expected) => expect(faults(PodDisruptionBudget, { spec })).toEqual(expected))

test('its status has counters and proper conditions', () => {
  const budget = (status: object) => made(PodDisruptionBudget, { status })
  const status = { currentHealthy: -1, conditions: [{ type: 'DisruptionAllowed', status: 'True' }] }
  const found = PodDisruptionBudget.validateStatus(budget(status), budget({}))
  expect(found.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    'status.conditions[0].lastTransitionTime: Required value',
    'status.conditions[0].reason: Required value',
    'status.currentHealthy: Invalid value: -1: must be greater than or equal to 0',
  ])
})

test('is shown', () => {
  const cells = (spec: object) => PodDisruptionBudget.columns.map(({ value }) => value(made(PodDisruptionBudget, { spec }), 0))
  expect(cells({ minAvailable: '50%' })).toEqual(['50%', 'N/A', 0, '<unknown>'])
  expect(cells({ maxUnavailable: 0 })).toEqual(['N/A', '0', 0, '<unknown>'])
})

const key = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match'
const marked = (operator: string) => ({ matchExpressions: [{ key, operator }] })
test.each([
  ['none', {}, marked('Exists')],
  ['all', marked('DoesNotExist'), {}],
  ['some', { matchLabels: { a: 'b' } }, { matchLabels: { a: 'b' } }],
])('a selector that means %s is written %j in v1beta1 and %j in v1', (_, old, now) => {
  const { storedAs } = PodDisruptionBudgetV1Beta1
  const kept = storedAs?.toStored(made(PodDisruptionBudgetV1Beta1, { spec: { selector: old } }))
  expect(kept).toMatchObject({ apiVersion: 'policy/v1' })
  expect((kept as { spec: object }).spec).toEqual({ selector: now })
  expect(storedAs?.fromStored(kept as KubeObject)).toMatchObject({ apiVersion: 'policy/v1beta1', spec: { selector: old } })
})
