import { expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { controllerManager } from '../../cmd/control-plane.ts'
import { systemClock as clock } from '../../lib/clock.ts'
import { silentLog as log } from '../../lib/log.ts'
import { systemRandom as random } from '../../lib/random.ts'
import { testCluster } from '../support/cluster.ts'
import { deploymentNamed } from '../support/objects.ts'

/** All that somebody's own deployment controller must do: one ReplicaSet for each Deployment. */
const own: Controller = {
  name: 'own-deployment',
  watches: [on(Deployment)],
  reads: [ReplicaSet],
  writes: [ReplicaSet],
  async reconcile({ client, lister }, key) {
    const deployment = lister(Deployment).get(key)
    if (!deployment || lister(ReplicaSet).get(key)) return
    const { name, namespace, uid } = deployment.metadata
    const { replicas, selector, template } = deployment.spec
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }
    await client.create(ReplicaSet, {
      metadata: { name, namespace, ownerReferences: [owner] },
      spec: { replicas, selector, template },
    })
  },
}

test("with --controllers=*,-deployment-controller somebody else's takes its place, and all others go on", async () => {
  await using cluster = await testCluster({ simulated: 1, controllers: ['*', '-deployment-controller'] })
  const before = await cluster.apply(deploymentNamed('web', 3))
  // A Deployment that came first would have been seen by now, had anybody looked.
  const { spec } = deploymentNamed('alone', 1) as unknown as { spec: ReplicaSet['spec'] }
  await cluster.client.create(ReplicaSet, { metadata: { name: 'alone', namespace: 'default' }, spec })
  await cluster.eventually(async () => expect(await cluster.pods('app=alone')).toHaveLength(1))
  expect(await cluster.pods('app=web')).toEqual([])

  const stop = new AbortController()
  const identity = 'somebody'
  const run = controllerManager({
    transport: cluster.transport,
    election: 'none',
    controllers: [own],
    identity,
    clock,
    random,
    log,
  })
  const running = run(stop.signal)
  await cluster.eventually(async () => {
    const pods = await cluster.pods('app=web')
    expect(pods.filter(({ status }) => status.phase === 'Running')).toHaveLength(3)
  })
  const [step] = (await cluster.why('replicasets', 'web', { group: 'apps' })).filter(({ resource }) => resource === 'replicasets')
  expect(step?.cause?.actor).toBe('own-deployment-controller')
  const deployment = await cluster.client.get(Deployment, { namespace: 'default', name: 'web' })
  expect(deployment.metadata.resourceVersion).toBe(before[0]?.metadata.resourceVersion)
  stop.abort()
  await running
})
