import { expect, test } from 'vitest'
import { changesOf } from '../key-changes.ts'
import { changeEnv } from './env.ts'
import { setImages } from './image.ts'
import { type Container, containersNamed, podSpecOf } from './pod-template.ts'
import { parseAmounts } from './resources.ts'

const spec = () => ({
  containers: [
    { name: 'web', image: 'a' },
    { name: 'web-log', image: 'b' },
  ],
  initContainers: [{ name: 'init', image: 'c' }],
})

test.each([
  ['a pod', { spec: spec() }],
  ['a deployment', { spec: { template: { spec: spec() } } }],
  ['a cron job', { spec: { jobTemplate: { spec: { template: { spec: spec() } } } } }],
])('%s describes pods', (_, object) => {
  expect(podSpecOf(object)).toEqual(spec())
})

test('a config map describes none', () => {
  expect(podSpecOf({ data: {} })).toBeUndefined()
  expect(podSpecOf({ spec: { template: {} } })).toBeUndefined()
})

test.each([
  ['web', ['web']],
  ['web*', ['web', 'web-log']],
  ['*', ['web', 'web-log']],
  ['w.b', []],
])('%s means %j', (pattern, names) => {
  expect(containersNamed(spec().containers, pattern).map(({ name }) => name)).toEqual(names)
})

test('images go to the containers that are named, and every name must fit one', () => {
  const pods = spec()
  setImages(
    pods,
    new Map([
      ['init', 'new'],
      ['web', 'newer'],
    ]),
  )
  expect([...pods.containers, ...pods.initContainers].map(({ image }) => image)).toEqual(['newer', 'b', 'new'])
  setImages(pods, new Map([['*', 'all']]))
  expect([...pods.containers, ...pods.initContainers].every(({ image }) => image === 'all')).toBe(true)
  expect(() => setImages(pods, new Map([['nope', 'x']]))).toThrow('unable to find container named "nope"')
})

test('variables are set, replaced where they stand, and removed', () => {
  const container: Container = {
    name: 'c',
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ],
  }
  const reference = { name: 'C', valueFrom: { secretKeyRef: { key: 'c', name: 's' } } }
  changeEnv(container, changesOf(['A=9', 'B-'], 'x'), [reference], true)
  expect(container.env).toEqual([{ name: 'A', value: '9' }, reference])
  expect(() => changeEnv(container, changesOf(['A=0'], 'x'), [], false)).toThrow(
    "'A' already has a value (9), and --overwrite is false",
  )
  changeEnv(container, changesOf(['A-', 'C-'], 'x'), [], true)
  expect(container).toEqual({ name: 'c' })
})

test('amounts', () => {
  expect(parseAmounts('cpu=1,memory=1Gi')).toEqual({ cpu: '1', memory: '1Gi' })
  expect(parseAmounts(undefined)).toBeUndefined()
  expect(() => parseAmounts('cpu')).toThrow('invalid argument syntax "cpu", expected <resource>=<quantity>')
})
