import { expect, test } from 'vitest'
import { kinds } from '../../api/kinds.ts'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { testServer } from '../testing.ts'
import { followedConfiguration } from './followed-configuration.ts'

const group = 'flowcontrol.apiserver.k8s.io'
const at = { group, version: 'v1' }
const level = { metadata: { name: 'high' }, spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } }
const schema = {
  metadata: { name: 's' },
  spec: {
    priorityLevelConfiguration: { name: 'high' },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: 'ann' } }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      },
    ],
  },
}

test('a flow schema says whether its level exists, as levels come and go', async () => {
  const clock = virtualClock()
  await using server = await testServer({ clock })
  const { run } = followedConfiguration(kinds, { handle: server.pipeline.handle, clock, log: silentLog })
  const stop = new AbortController()
  const running = run?.(stop.signal)
  const admin = server.transport()
  const call = (resource: string, rest: object) => admin.call({ ...at, resource, ...rest } as Parameters<typeof admin.call>[0])
  const conditions = async () => {
    await clock.advance(200)
    const { status } = (await call('flowschemas', { verb: 'get', name: 's' })) as { status: { conditions?: object[] } }
    return status.conditions
  }
  const said = 'This FlowSchema references the PriorityLevelConfiguration object named "high"'
  await call('flowschemas', { verb: 'create', body: schema })
  const condition = { type: 'Dangling', lastTransitionTime: expect.any(String) }
  expect(await conditions()).toEqual([
    { ...condition, status: 'True', reason: 'NotFound', message: `${said} but there is no such object` },
  ])
  await call('prioritylevelconfigurations', { verb: 'create', body: level })
  expect(await conditions()).toEqual([{ ...condition, status: 'False', reason: 'Found', message: `${said} and it exists` }])
  await call('prioritylevelconfigurations', { verb: 'delete', name: 'high' })
  expect(await conditions()).toEqual([expect.objectContaining({ status: 'True' })])
  stop.abort()
  await running
})
