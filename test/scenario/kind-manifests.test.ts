import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { kinds } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/transport.ts'
import { users } from '../../api/user.ts'
import { manifestsDir } from '../support/manifests.ts'
import { hasKubectl, startServer, type TestServer } from '../support/server.ts'

/** Manifests of kinds that are only kept so far: each is applied, read back and applied again without changing anything. */
const folder = join(manifestsDir, 'kinds')
const files = (await readdir(folder)).filter(name => name.endsWith('.yaml'))

let server: TestServer
beforeAll(async () => {
  server = await startServer({})
})
afterAll(() => server[Symbol.asyncDispose]())

test('there are some', () => expect(files.length).toBeGreaterThan(20))

test.each(files)('%s', async file => {
  const body = parse(await readFile(join(folder, file), 'utf8')) as KubeObject
  const [version = '', group = ''] = body.apiVersion.split('/').reverse()
  const kind = kinds.find(each => each.kind === body.kind && each.group === group && each.version === version)
  const namespace = kind?.namespaced ? { namespace: 'default' } : {}
  const target = { group, version, resource: kind?.plural ?? '', ...namespace }
  const transport = server.transport(users.admin)
  const options = { fieldValidation: 'Strict' } as const
  const made = (await transport.call({ ...target, verb: 'create', body, options })) as KubeObject
  const { name } = body.metadata
  expect(await transport.call({ ...target, verb: 'get', name })).toEqual(made)
  const again = { ...target, verb: 'patch', name, patchType: 'merge', body: { ...body, metadata: {} }, options } as const
  expect(((await transport.call(again)) as KubeObject).metadata.resourceVersion).toBe(made.metadata.resourceVersion)
})

if (!hasKubectl) test('kubectl is not on the PATH: nothing was tried with it', () => expect(hasKubectl).toBe(false))

describe.runIf(hasKubectl)('with kubectl', () => {
  test('all of them apply, and are shown', async () => {
    const applied = await server.kubectl(['apply', '--server-side', '--force-conflicts', '-f', folder])
    expect([applied.code, applied.out.trim().split('\n').length]).toEqual([0, files.length])
    const ingress = await server.kubectl('get ingress shop')
    expect(ingress.out).toMatch(/shop +example +shop\.example\.com +80, 443/)
    const remote = await server.kubectl('get apiservice v1.weather.example.com')
    expect(remote.out).toContain('default/weather   False (NotProxied)')
  })

  test('services of every type get their addresses', async () => {
    for (const line of [
      'clusterip a --tcp=80',
      'nodeport b --tcp=80:8080',
      'loadbalancer c --tcp=80',
      'externalname d --external-name=example.com',
    ]) {
      expect((await server.kubectl(`create service ${line}`)).code).toBe(0)
    }
    const { out } = await server.kubectl('get services')
    expect(out).toMatch(/a +ClusterIP +10\.96\.\S+ +<none> +80\/TCP/)
    expect(out).toMatch(/b +NodePort +10\.96\.\S+ +<none> +80:3\d{4}\/TCP/)
    expect(out).toMatch(/c +LoadBalancer +10\.96\.\S+ +<pending> +80:3\d{4}\/TCP/)
    expect(out).toMatch(/d +ExternalName +<none> +example\.com +<none>/)
  })

  test('a certificate request is approved', async () => {
    const approved = await server.kubectl('certificate approve jane')
    expect([approved.code, approved.err]).toEqual([0, ''])
    expect((await server.kubectl('get csr jane')).out).toMatch(/jane +\S+ +example\.com\/people +kubernetes-admin +24h +Approved/)
  })

  test('both groups show the same events', async () => {
    for (const resource of ['events.events.k8s.io', 'events']) {
      const { out } = await server.kubectl(['get', resource, '--field-selector=reason=Started'])
      expect(out).toMatch(/Normal +Started +service\/web +Somebody started to look after it/)
    }
  })
})
