import { describe, expect, test } from 'vitest'
import type { AnyKind } from '../kind.ts'
import { faults } from '../testing.ts'
import {
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
  suggestedFlowSchemas,
  suggestedPriorityLevels,
} from './bootstrap-objects.ts'
import { FlowSchema } from './flow-schema.ts'
import { PriorityLevelConfiguration } from './priority-level-configuration.ts'

test('what a cluster starts with is valid, and every schema has its level', () => {
  const levels = [...mandatoryPriorityLevels, ...suggestedPriorityLevels]
  const schemas = [...mandatoryFlowSchemas, ...suggestedFlowSchemas]
  expect(levels.flatMap(each => faults(PriorityLevelConfiguration, each))).toEqual([])
  expect(schemas.flatMap(each => faults(FlowSchema, each))).toEqual([])
  const names = levels.map(({ metadata }) => metadata.name)
  expect(names).toEqual(expect.arrayContaining(schemas.map(({ spec }) => spec.priorityLevelConfiguration.name)))
})

const group = { kind: 'Group', group: { name: 'g' } }
const resources = { verbs: ['get'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }
const schema = (rule: object, more: object = {}) => ({
  spec: {
    priorityLevelConfiguration: { name: 'a' },
    rules: [{ subjects: [group], resourceRules: [resources], ...rule }],
    ...more,
  },
})
const rule = 'spec.rules[0]'
const level = (limited: object, more: object = {}) => ({
  spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} }, ...limited }, ...more },
})

const cases: [AnyKind, [body: object, faults: string[]][]][] = [
  [
    FlowSchema,
    [
      [schema({}), []],
      [
        schema({}, { matchingPrecedence: 1 }),
        ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
      ],
      [
        schema({}, { priorityLevelConfiguration: {} }),
        ['spec.priorityLevelConfiguration.name: Required value: must reference a priority level'],
      ],
      [schema({ subjects: [] }), [`${rule}.subjects: Required value: subjects must contain at least one value`]],
      [
        schema({ subjects: [{ kind: 'User' }] }),
        [`${rule}.subjects[0].user: Required value: user is required when subject kind is 'User'`],
      ],
      [
        schema({ subjects: [{ ...group, user: { name: 'u' } }] }),
        [`${rule}.subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'`],
      ],
      [
        schema({ resourceRules: [] }),
        [`${rule}: Required value: at least one of resourceRules and nonResourceRules has to be non-empty`],
      ],
      [
        schema({ resourceRules: [{ ...resources, verbs: ['*', 'get'] }] }),
        [`${rule}.resourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`],
      ],
      [
        schema({ resourceRules: [{ ...resources, namespaces: [] }] }),
        [
          `${rule}.resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace`,
        ],
      ],
      [
        schema({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/a*'] }] }),
        [`${rule}.nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching`],
      ],
      [
        { metadata: { name: 'catch-all' }, ...schema({}) },
        [expect.stringMatching(/^spec: Invalid value: .*: spec of 'catch-all' must equal the fixed value$/) as never],
      ],
    ],
  ],
  [
    PriorityLevelConfiguration,
    [
      [level({}), []],
      [
        { spec: { type: 'Exempt' } },
        ["spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'"],
      ],
      [{ spec: { type: 'Limited' } }, ['spec.limited: Required value: must not be empty when type is Limited']],
      [
        level({ lendablePercent: 101 }),
        ['spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive'],
      ],
      [
        level({ limitResponse: { type: 'Reject', queuing: {} } }),
        ['spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited'],
      ],
      [
        level({ limitResponse: { type: 'Queue', queuing: { queues: 4, handSize: 5 } } }),
        ['spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)'],
      ],
      [
        level({ limitResponse: { type: 'Queue', queuing: { queues: 1024, handSize: 7 } } }),
        [
          'spec.limited.limitResponse.queuing.handSize: Invalid value: 7: required entropy bits of deckSize 1024 and handSize 7 should not be greater than 60',
        ],
      ],
      [{ metadata: { name: 'exempt' }, spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 5 } } }, []],
    ],
  ],
]

// Only the name: a whole kind is too much to print.
describe.each(cases.map(([kind, rows]) => [kind.kind, kind, rows] as const))('%s', (_, kind, rows) => {
  test.each(rows)('%j', (body, expected) => expect(faults(kind, body)).toEqual(expected))
})
