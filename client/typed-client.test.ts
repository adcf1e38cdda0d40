import { expect, test } from 'vitest'
import { Deployment } from '../api/apps/deployment.ts'
import { Namespace } from '../api/core/namespace.ts'
import { Pod } from '../api/core/pod.ts'
import type { Call, Transport } from '../api/transport.ts'
import type { Client } from './client.ts'
import { createClient } from './typed-client.ts'

const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' }
const ref = { namespace: 'default', name: 'a' }
const metadata = { ...ref }
const typed = { apiVersion: 'v1', kind: 'Pod', metadata }
const note = { rule: 'r', text: 't' }
const signal = new AbortController().signal

/** The one call that something makes. */
function callOf(act: (client: Client) => unknown, defaultCause?: Call['cause']): Call | undefined {
  let seen: Call | undefined
  const see = async (call: Call) => void (seen = call)
  const watch = (call: Call) => {
    seen = call
    return (async function* () {})()
  }
  const transport = { call: see, watch } as unknown as Transport
  act(createClient(transport, defaultCause && { defaultCause }))
  return seen
}

test.each<[string, (client: Client) => unknown, object]>([
  ['get', client => client.get(Pod, ref), { verb: 'get', ...pods, name: 'a' }],
  ['list everywhere', client => client.list(Pod), { verb: 'list', ...pods, namespace: undefined, options: {} }],
  [
    'list',
    client => client.list(Pod, { namespace: 'default', labelSelector: 'a=b', limit: 5 }),
    { verb: 'list', ...pods, options: { labelSelector: 'a=b', limit: 5 } },
  ],
  [
    'watch',
    client => client.watch(Pod, { resourceVersion: '7' }, signal),
    { verb: 'watch', ...pods, namespace: undefined, options: { resourceVersion: '7', allowWatchBookmarks: true } },
  ],
  ['create', client => client.create(Pod, { metadata, spec: {} }), { verb: 'create', ...pods, body: { ...typed, spec: {} } }],
  [
    'create in another group, dry',
    client => client.create(Deployment, { metadata }, { dryRun: true }),
    {
      ...{
        verb: 'create',
        group: 'apps',
        version: 'v1',
        resource: 'deployments',
        namespace: 'default',
        options: { dryRun: true },
      },
      body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata },
    },
  ],
  [
    'create without a namespace',
    client => client.create(Namespace, { metadata: { name: 'x' } }),
    {
      verb: 'create',
      ...pods,
      namespace: undefined,
      resource: 'namespaces',
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } },
    },
  ],
  ['update', client => client.update(Pod, { metadata }), { verb: 'update', ...pods, name: 'a', body: typed }],
  [
    'update the status',
    client => client.updateStatus(Pod, { metadata }),
    { verb: 'update', ...pods, name: 'a', subresource: 'status', body: typed },
  ],
  [
    'patch',
    client => client.patch(Pod, ref, 'merge', { x: 1 }, { subresource: 'status' }),
    { verb: 'patch', ...pods, name: 'a', subresource: 'status', patchType: 'merge', body: { x: 1 } },
  ],
  [
    'delete',
    client => client.delete(Pod, ref, { gracePeriodSeconds: 0, propagationPolicy: 'Orphan', preconditions: { uid: 'u' } }),
    {
      verb: 'delete',
      ...pods,
      name: 'a',
      options: { gracePeriodSeconds: 0, propagationPolicy: 'Orphan', preconditions: { uid: 'u' } },
    },
  ],
  [
    'delete many',
    client => client.deleteCollection(Pod, { namespace: 'default', labelSelector: 'a=b', propagationPolicy: 'Background' }),
    { verb: 'deletecollection', ...pods, options: { labelSelector: 'a=b', propagationPolicy: 'Background' } },
  ],
  [
    'read what no kind describes',
    client =>
      client.read({ group: 'a.io', version: 'v1', resource: 'pods', name: '*', subresource: 'qps' }, { labelSelector: 'a=b' }),
    {
      verb: 'get',
      group: 'a.io',
      version: 'v1',
      resource: 'pods',
      name: '*',
      subresource: 'qps',
      options: { labelSelector: 'a=b' },
    },
  ],
  [
    'read a list of what no kind describes',
    client => client.read({ group: 'a.io', version: 'v1', resource: 'qps', namespace: 'default' }),
    { verb: 'list', group: 'a.io', version: 'v1', resource: 'qps', namespace: 'default' },
  ],
  [
    'read a subresource',
    client => client.getSubresource(Pod, ref, 'scale'),
    { verb: 'get', ...pods, name: 'a', subresource: 'scale' },
  ],
  [
    'create a subresource',
    client => client.createSubresource(Pod, ref, 'binding', { target: 1 }),
    { verb: 'create', ...pods, name: 'a', subresource: 'binding', body: { target: 1 } },
  ],
])('%s', (_name, act, expected) => {
  expect(callOf(act)).toEqual(expected)
})

test('writes carry the cause and their note, reads carry none', () => {
  const cause = { actor: 'me', wokenBy: [7] }
  const write = (client: Client) => client.delete(Pod, ref, { note })
  expect(callOf(write, cause)?.cause).toEqual({ ...cause, note })
  expect(callOf(client => client.delete(Pod, ref), cause)?.cause).toBe(cause)
  expect(callOf(write)?.cause).toEqual({ actor: 'unknown', note })
  expect(callOf(client => client.as({ actor: 'other' }).delete(Pod, ref), cause)?.cause).toEqual({ actor: 'other' })
  expect(callOf(client => client.get(Pod, ref), cause)?.cause).toBeUndefined()
})
