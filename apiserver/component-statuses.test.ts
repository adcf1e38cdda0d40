import { expect, test } from 'vitest'
import { timestamp, virtualClock } from '../lib/clock.ts'
import { callsOn, configMaps, refusal } from '../test/contract/calls.ts'
import { componentStatuses } from './component-statuses.ts'
import { testServer } from './testing.ts'

test('components are healthy as long as somebody leads', async () => {
  const clock = virtualClock()
  await using server = await testServer({
    clock,
    providers: [componentStatuses({ handle: request => server.pipeline.handle(request), clock })],
  })
  const { create, get, list } = callsOn(() => server.transport())
  const components = { group: '', version: 'v1', resource: 'componentstatuses' }
  const leases = { ...configMaps, group: 'coordination.k8s.io', resource: 'leases', namespace: 'kube-system' }
  const renewTime = timestamp(clock.now())
  const spec = { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime }
  await create(leases, { metadata: { name: 'kube-scheduler' }, spec })

  const { items } = await list(components)
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['controller-manager', 'scheduler', 'etcd-0'])
  const healthy = { conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] }
  expect(await get(components, 'scheduler')).toMatchObject(healthy)
  expect(await get(components, 'controller-manager')).toMatchObject({
    conditions: [{ status: 'False', error: 'nobody holds the lease kube-system/kube-controller-manager' }],
  })
  await clock.advance(16_000)
  expect(await get(components, 'scheduler')).toMatchObject({ conditions: [{ status: 'False' }] })
  expect(await refusal(get(components, 'none'))).toMatchObject({ code: 404, message: 'componentstatus "none" not found' })
})
