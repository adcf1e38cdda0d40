import { test } from 'vitest'
import { testCluster } from '../support/cluster.ts'
import { Event } from '../../api/core/event.ts'
import { systemClock } from '../../lib/clock.ts'
test('x', async () => {
  await using cluster = await testCluster({ simulated: 1 })
  await cluster.apply('priority.yaml')
  for (let i = 0; i < 6; i++) {
    await systemClock.sleep(400)
    for (const p of await cluster.pods()) console.log(i, p.metadata.name, p.metadata.deletionTimestamp, p.spec.nodeName, p.status.phase, JSON.stringify(p.status.conditions))
  }
  for (const e of (await cluster.client.list(Event, { namespace: 'default' })).items) console.log(e.reason, e.involvedObject.name, e.message)
  console.log(JSON.stringify(await cluster.why('pods', 'batch'), undefined, 1))
})
