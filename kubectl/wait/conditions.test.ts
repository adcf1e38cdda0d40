import { expect, test } from 'vitest'
import type { KubeObject } from '../../api/transport.ts'
import { isAsWanted, parseWanted } from './conditions.ts'

test.each([
  ['delete', { type: 'delete' }],
  ['Create', { type: 'create' }],
  ['condition=Ready', { type: 'condition', name: 'Ready', status: 'true' }],
  ['condition=Ready=Unknown', { type: 'condition', name: 'Ready', status: 'Unknown' }],
  ["jsonpath='{.status.phase}'=Running", { type: 'jsonpath', path: '.status.phase', value: 'Running' }],
  ['jsonpath={.status.phase}', { type: 'jsonpath', path: '.status.phase' }],
  ['jsonpath=status.phase="Running"', { type: 'jsonpath', path: '.status.phase', value: 'Running' }],
  [
    `jsonpath={.status.conditions[?(@.type=="Ready")].status}=True`,
    { type: 'jsonpath', path: '.status.conditions[?(@.type=="Ready")].status', value: 'True' },
  ],
])('--for=%s', (text, wanted) => {
  expect(parseWanted(text)).toEqual(wanted)
})

test.each([
  ['foo', 'unrecognized condition: "foo"'],
  ['jsonpath=', 'jsonpath expression cannot be empty'],
  ['jsonpath={.a}=', 'jsonpath wait has to have a value after equal sign'],
  ['jsonpath={.a}=b=c', 'jsonpath wait format must be'],
])('--for=%s is refused', (text, message) => {
  expect(() => parseWanted(text)).toThrow(message)
})

const object = (status: object, metadata: object = {}) => ({ metadata, status }) as unknown as KubeObject
const ready = (status: string, more: object = {}) => ({ conditions: [{ type: 'Ready', status, ...more }] })

test.each([
  ['condition=ready', object(ready('True')), true],
  ['condition=Ready=false', object(ready('False')), true],
  ['condition=Ready', object(ready('False')), false],
  ['condition=Ready', object({}), false],
  ['condition=Ready', object({ ...ready('True'), observedGeneration: 1 }, { generation: 2 }), false],
  ['condition=Ready', object({ ...ready('True', { observedGeneration: 2 }), observedGeneration: 1 }, { generation: 2 }), true],
  ['jsonpath={.status.n}=3', object({ n: 3 }), true],
  ['jsonpath={.status.n}=3', object({ n: 4 }), false],
  ['jsonpath={.status.n}=3', object({}), false],
  ['jsonpath={.status.n}', object({ n: 0 }), true],
  ['create', object({}), true],
  ['delete', object({}), false],
] as const)('%s of %j: %s', (text, value, expected) => {
  expect(isAsWanted(value, parseWanted(text))).toBe(expected)
})

test.each([
  ['jsonpath={.status.a[*]}=1', { a: [1, 2] }, 'more than one value'],
  ['jsonpath={.status.a}=1', { a: { b: 1 } }, 'nested object or list'],
])('%s cannot be told of %j', (text, status, message) => {
  expect(() => isAsWanted(object(status), parseWanted(text))).toThrow(message)
})
