import { expect, test } from 'vitest'
import { nodeTable, podTable } from './usage-table.ts'

const lines = (text: string) => text.trimEnd().split('\n')
const nodes = [
  { metadata: { name: 'b' }, usage: { cpu: '1500000n', memory: '512Mi' } },
  { metadata: { name: 'a' }, usage: { cpu: '1', memory: '1Gi' } },
]

test('nodes with their parts of what there is; the unmeasured last', () => {
  const available = new Map(['a', 'b', 'c'].map(name => [name, { cpu: '4', memory: '4Gi' }]))
  expect(lines(nodeTable(nodes, available, { sortBy: undefined }))).toEqual([
    'NAME   CPU(cores)   CPU(%)      MEMORY(bytes)   MEMORY(%)',
    'a      1000m        25%         1024Mi          25%',
    'b      2m           0%          512Mi           12%',
    'c      <unknown>    <unknown>   <unknown>       <unknown>',
  ])
})

const pods = [
  {
    metadata: { name: 'web', namespace: 'x' },
    containers: [
      { name: 'side', usage: { cpu: '5m', memory: '1Mi' } },
      { name: 'main', usage: { cpu: '20m', memory: '3Mi' } },
    ],
  },
  { metadata: { name: 'db', namespace: 'y' }, containers: [{ name: 'db', usage: { cpu: '1', memory: '2Mi' } }] },
]

test.each([
  [{ sortBy: undefined }, ['db', 'web']],
  [{ sortBy: 'cpu' }, ['db', 'web']],
  [{ sortBy: 'memory' }, ['web', 'db']],
] as const)('pods in order: %j', (options, names) => {
  expect(lines(podTable(pods, { ...options, noHeaders: true })).map(line => line.split(' ')[0])).toEqual(names)
})

test('containers by themselves, and the sum of all', () => {
  const options = { sortBy: undefined, withNamespace: true, byContainer: true, withSum: true }
  expect(lines(podTable(pods, options))).toEqual([
    'NAMESPACE   POD   NAME   CPU(cores)   MEMORY(bytes)',
    'x           web   main   20m          3Mi',
    'x           web   side   5m           1Mi',
    'y           db    db     1000m        2Mi',
    '                         ________     ________',
    '                         1025m        6Mi',
  ])
})
