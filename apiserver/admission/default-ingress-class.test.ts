import { expect, test } from 'vitest'
import type { Ingress } from '../../api/networking/ingress.ts'
import { virtualClock } from '../../lib/clock.ts'
import { callsOn } from '../../test/contract/calls.ts'
import { testServer } from '../testing.ts'

const networking = { group: 'networking.k8s.io', version: 'v1' }
const classes = { ...networking, resource: 'ingressclasses' }
const ingresses = { ...networking, resource: 'ingresses', namespace: 'default' }

test('an ingress without a class gets the newest default, unless it says otherwise', async () => {
  const clock = virtualClock()
  await using server = await testServer({ clock })
  const { create } = callsOn(() => server.transport())
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' }
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const classOf = async (name: string, spec: object = {}) =>
    (await create<Ingress>(ingresses, { metadata: { name }, spec: { defaultBackend: backend, ...spec } })).spec.ingressClassName
  expect(await classOf('none')).toBeUndefined()
  await create(classes, { metadata: { name: 'z', annotations }, spec: { controller: 'a.b/c' } })
  await clock.advance(1000)
  await create(classes, { metadata: { name: 'newer', annotations }, spec: { controller: 'a.b/c' } })
  await create(classes, { metadata: { name: 'plain' }, spec: { controller: 'a.b/c' } })
  expect([await classOf('one'), await classOf('two', { ingressClassName: 'plain' })]).toEqual(['newer', 'plain'])
})
