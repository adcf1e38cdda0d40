import { join } from 'node:path'
import { expect, test } from 'vitest'
import { kinds } from '../../api/kinds.ts'
import { namespace } from '../../controllers/namespace/controller.ts'
import { resourceQuota } from '../../controllers/resource-quota/controller.ts'
import { serviceAccount } from '../../controllers/service-account/service-account.ts'
import { eventually } from '../support/eventually.ts'
import { manifestsDir } from '../support/manifests.ts'
import { startServer, type TestServer } from '../support/server.ts'

const path = (file: string) => join(manifestsDir, file)

async function ok(server: TestServer, line: string, stdin?: string): Promise<string> {
  const said = await server.wherry(line, stdin === undefined ? {} : { stdin })
  expect(said).toMatchObject({ code: 0 })
  return said.out
}

test.each([
  ['statefulset.yaml', 'sts', 'db', /^db +0\/2 /m],
  ['daemonset.yaml', 'ds', 'agent', /^agent +0 +0 +0 +0 +0 +<none> /m],
  ['controller-revision.yaml', 'controllerrevisions', 'agent-1', /^agent-1 +<none> +1 /m],
  ['replication-controller.yaml', 'rc', 'old', /^old +2 +0 +0 /m],
  ['pod-template.yaml', 'podtemplates', 'blank', /^blank +blank +busybox:1.36 +app=blank/m],
  ['job.yaml', 'jobs', 'parts', /^parts +Running +0\/3 /m],
  ['cronjob.yaml', 'cj', 'tick', /^tick +\*\/5 \* \* \* \* +Etc\/UTC +False +0 +<none> /m],
  ['horizontal-pod-autoscaler.yaml', 'hpa', 'web', /^web +Deployment\/web +cpu: <unknown>\/50% +1 +5 +0 /m],
  ['pod-disruption-budget.yaml', 'pdb', 'web', /^web +2 +N\/A +0 /m],
  ['endpoints.yaml', 'ep', 'outside', /^outside +192.0.2.10:8080 /m],
])('%s is kept and shown', async (file, kind, name, row) => {
  await using server = await startServer()
  expect(await ok(server, `apply -f ${path(file)}`)).toContain(`/${name} created`)
  expect(await ok(server, `get ${kind}`)).toMatch(row)
  expect(await ok(server, `get ${kind} ${name} -o yaml`)).toContain(`name: ${name}`)
  // What is applied again changes nothing.
  const version = () => ok(server, `get ${kind} ${name} -o jsonpath={.metadata.generation}`)
  const before = await version()
  await ok(server, `apply -f ${path(file)}`)
  expect(await version()).toBe(before)
  await ok(server, `delete -f ${path(file)}`)
})

const pod = (cpu: string | undefined) => `
apiVersion: v1
kind: Pod
metadata: {generateName: a-}
spec: {containers: [{name: a, image: 'busybox:1.36', resources: {requests: ${cpu ? `{cpu: ${cpu}}` : '{}'}}}]}
`

test('resource-quota.yaml holds', async () => {
  await using server = await startServer({ controllers: [serviceAccount, namespace(kinds), resourceQuota(kinds)] })
  await ok(server, `apply -f ${path('resource-quota.yaml')}`)
  await eventually(async () => expect(await ok(server, 'get quota -n small')).toMatch(/pods: 0\/3, requests.cpu: 0\/500m/))
  await eventually(async () => expect(await ok(server, 'get sa -n small')).toContain('default'))
  const create = (cpu?: string) => server.wherry('create -n small -f -', { stdin: pod(cpu) })
  expect(await create()).toMatchObject({
    code: 1,
    err: expect.stringContaining('failed quota: small: must specify requests.cpu for: a'),
  })
  expect(await create('400m')).toMatchObject({ code: 0 })
  expect(await create('200m')).toMatchObject({
    code: 1,
    err: expect.stringContaining(
      'exceeded quota: small, requested: requests.cpu=200m, used: requests.cpu=400m, limited: requests.cpu=500m',
    ),
  })
  await ok(server, 'delete pods -n small --all')
  await eventually(async () => expect(await ok(server, 'get quota -n small')).toMatch(/pods: 0\/3, requests.cpu: 0\/500m/))
})

test('limit-range.yaml completes and refuses', async () => {
  await using server = await startServer()
  await ok(server, `apply -f ${path('limit-range.yaml')}`)
  await eventually(async () => expect(await ok(server, 'get sa -n modest')).toContain('default'))
  await ok(server, 'create -n modest -f -', pod(undefined))
  const resources = await ok(server, 'get pods -n modest -o jsonpath={.items[0].spec.containers[0].resources}')
  expect(JSON.parse(resources)).toEqual({ limits: { cpu: '200m' }, requests: { cpu: '100m' } })
  expect(await server.wherry('create -n modest -f -', { stdin: pod('2') })).toMatchObject({ code: 1 })
})
