import { afterAll, beforeAll, expect, test } from 'vitest'
import type { NodeAgent } from '../api/node-agent.ts'
import type { Target } from '../api/transport.ts'
import { systemClock } from '../lib/clock.ts'
import { callsOn, names, pod, pods, refusal } from '../test/contract/calls.ts'
import { metricsProviders } from './metrics.ts'
import type { Pipeline } from './pipeline.ts'
import { type TestServer, testServer } from './testing.ts'

const metrics = (resource: string): Target => ({ group: 'metrics.k8s.io', version: 'v1beta1', resource })
const podMetrics = { ...metrics('pods'), namespace: 'default' }

const agent = {
  stats: async () => [
    {
      namespace: 'default',
      name: 'busy',
      containers: [
        { name: 'main', cpuNanoCores: 123_456_789, memoryWorkingSetInBytes: 10 * 1024 * 1024 + 5 },
        { name: 'side', cpuNanoCores: 1e6, memoryWorkingSetInBytes: 2048 },
      ],
    },
  ],
} as unknown as NodeAgent

let server: TestServer
beforeAll(async () => {
  const nodeAgents = (node: string) => (node === 'n1' ? agent : undefined)
  const handle: Pipeline['handle'] = request => server.pipeline.handle(request)
  server = await testServer({ nodeAgents, providers: metricsProviders({ handle, nodeAgents, clock: systemClock }) })
  for (const name of ['n1', 'n2']) await create({ group: '', version: 'v1', resource: 'nodes' }, { metadata: { name } })
  for (const [name, node] of [
    ['busy', 'n1'],
    ['silent', 'n1'],
    ['lost', 'n2'],
  ] as const) {
    await create(pods, pod(name, { labels: { app: name } }, { nodeName: node }))
    const body = { status: { phase: 'Running' } }
    await call({ ...pods, verb: 'patch', name, subresource: 'status', patchType: 'merge', body })
  }
})
afterAll(() => server.stop())
const { call, create, get, list } = callsOn(() => server.transport())

test('a pod’s containers', async () => {
  expect(await get(podMetrics, 'busy')).toMatchObject({
    apiVersion: 'metrics.k8s.io/v1beta1',
    kind: 'PodMetrics',
    metadata: { name: 'busy', namespace: 'default', labels: { app: 'busy' } },
    window: '10s',
    containers: [
      { name: 'main', usage: { cpu: '123456789n', memory: '10Mi' } },
      { name: 'side', usage: { cpu: '1m', memory: '2Ki' } },
    ],
  })
})

test('a node is what its containers are; nodes and pods that nobody knows of are left out', async () => {
  const nodes = await list(metrics('nodes'))
  expect(nodes.items).toMatchObject([{ metadata: { name: 'n1' }, usage: { cpu: '124456789n', memory: '10242Ki' } }])
  expect(names(await list(metrics('pods')))).toEqual(['busy'])
  expect(names(await list(podMetrics, { labelSelector: 'app=silent' }))).toEqual([])
  expect(names(await list(podMetrics, { fieldSelector: 'metadata.name=busy' }))).toEqual(['busy'])
})

test.each([
  [podMetrics, 'silent', 'podmetrics.metrics.k8s.io "default/silent" not found'],
  [podMetrics, 'nobody', 'podmetrics.metrics.k8s.io "default/nobody" not found'],
  [metrics('nodes'), 'n2', 'nodemetrics.metrics.k8s.io "n2" not found'],
])('what is not known is not found: %j %s', async (target, name, message) => {
  expect(await refusal(get(target, name))).toMatchObject({ code: 404, message })
})

test('neither short names nor categories are published, and nothing can be written', async () => {
  const kinds = server.pipeline.kinds.all.filter(({ group }) => group === 'metrics.k8s.io')
  expect(kinds.map(({ plural, shortNames, categories, verbs }) => [plural, shortNames, categories, verbs])).toEqual([
    ['nodes', [], [], ['get', 'list']],
    ['pods', [], [], ['get', 'list']],
  ])
  expect(await refusal(create(podMetrics, { metadata: { name: 'x' } }))).toMatchObject({ code: 405 })
})
