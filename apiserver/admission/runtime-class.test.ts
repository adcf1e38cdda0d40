import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import type { Target } from '../../api/transport.ts'
import { callsOn, pod, pods, refusal } from '../../test/contract/calls.ts'
import { type TestServer, testServer } from '../testing.ts'

const classes: Target = { group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses' }

let server: TestServer
beforeAll(async () => {
  server = await testServer()
  const scheduling = { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] }
  const overhead = { podFixed: { cpu: '250m', memory: '120Mi' } }
  await create(classes, { metadata: { name: 'vm' }, handler: 'kata', overhead, scheduling })
  await create(classes, { metadata: { name: 'plain' }, handler: 'runc' })
})
afterAll(() => server.stop())
const { create } = callsOn(() => server.transport())
const made = (spec: Record<string, unknown>) => create<Pod>(pods, { ...pod('', {}, spec), metadata: { generateName: 'a-' } })

test('overhead and scheduling of the class go into the pod, and what they cover goes out of it', async () => {
  const tolerations = [
    { key: 'vm', operator: 'Equal', value: 'x', effect: 'NoSchedule' },
    { key: 'other', operator: 'Exists' },
  ]
  const { spec } = await made({ runtimeClassName: 'vm', nodeSelector: { disk: 'fast' }, tolerations })
  expect(spec).toMatchObject({ overhead: { cpu: '250m', memory: '120Mi' }, nodeSelector: { disk: 'fast', vm: 'yes' } })
  const keys = (spec.tolerations ?? []).map(({ key, value }) => `${key}${value ? `=${value}` : ''}`)
  expect(keys.filter(key => !key.startsWith('node.'))).toEqual(['other', 'vm'])
})

test('the same overhead in other words is the same', async () => {
  const { spec } = await made({ runtimeClassName: 'vm', overhead: { cpu: '0.25', memory: '120Mi' } })
  expect(spec.overhead).toEqual({ cpu: '250m', memory: '120Mi' })
})

test.each([
  [{ runtimeClassName: 'none' }, 'pod rejected: RuntimeClass "none" not found'],
  [
    { runtimeClassName: 'vm', overhead: { cpu: '1' } },
    "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
  ],
  [
    { runtimeClassName: 'plain', overhead: { cpu: '1' } },
    'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
  ],
  [{ overhead: { cpu: '1' } }, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'],
  [
    { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } },
    'conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
  ],
])('%j is refused', async (spec, why) => {
  expect((await refusal(made(spec))).message).toContain(`is forbidden: ${why}`)
})
