import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApiError } from '../../api/errors.ts'
import type { CallOptions, KubeList, KubeObject, Target, Transport } from '../../api/transport.ts'
import {
  callsOn,
  configMap,
  configMaps,
  deployment,
  deployments,
  type Followed,
  type Json,
  names,
  namespaces,
  pod,
  pods,
  refusal,
} from './calls.ts'

/** A running server, reached through the transport under test; everybody may do everything, no controller runs. */
export interface TransportFixture {
  readonly transport: Transport
  stop(): Promise<void>
}

/** What every transport promises, whatever carries the calls. */
export function transportContract(name: string, start: () => Promise<TransportFixture>): void {
  describe(`${name} keeps the transport's contract`, () => {
    let fixture: TransportFixture
    let watching: AbortController
    const running: Promise<void>[] = []

    beforeEach(async () => {
      fixture = await start()
      watching = new AbortController()
    })
    afterEach(async () => {
      watching.abort()
      await Promise.all(running.splice(0))
      await fixture.stop()
    })

    const calls = callsOn(() => fixture.transport)
    const { call, create, get, list, patch, remove } = calls
    const watch = (target: Target, options: CallOptions): Followed => {
      const followed = calls.watch(target, options, watching.signal)
      running.push(followed.done.catch(() => {}))
      return followed
    }

    describe('objects', () => {
      test('a created object comes back complete, and is the one that is read afterwards', async () => {
        const created = await create(configMaps, configMap('a', { key: 'value' }))
        expect(created).toMatchObject({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'a', namespace: 'default' },
          data: { key: 'value' },
        })
        expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
        expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
        expect(Number(created.metadata.resourceVersion)).toBeGreaterThan(0)
        expect(await get(configMaps, 'a')).toEqual(created)
      })

      test('generateName makes different names with the prefix', async () => {
        const made = await Promise.all([1, 2, 3].map(() => create(configMaps, { metadata: { generateName: 'web-' }, data: {} })))
        const distinct = new Set(made.map(({ metadata }) => metadata.name))
        expect(distinct.size).toBe(3)
        for (const each of distinct) expect(each).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
      })

      test('the refusals of create', async () => {
        await create(configMaps, configMap('a'))
        expect(await refusal(create(configMaps, configMap('a')))).toMatchObject({
          code: 409,
          reason: 'AlreadyExists',
          message: 'configmaps "a" already exists',
          details: { name: 'a', kind: 'configmaps' },
        })
        expect(await refusal(create({ ...configMaps, namespace: 'nowhere' }, configMap('a')))).toMatchObject({
          code: 404,
          message: 'namespaces "nowhere" not found',
        })
        expect(await refusal(create(pods, { metadata: { name: 'Bad_Name' }, spec: { containers: [] } }))).toMatchObject({
          code: 422,
          reason: 'Invalid',
          details: { kind: 'Pod', name: 'Bad_Name' },
        })
        expect(await refusal(create(configMaps, { ...configMap('b'), kind: 'Secret' }))).toMatchObject({ code: 400 })
        expect(await refusal(create(configMaps, { metadata: 'text' }))).toMatchObject({ code: 400, reason: 'BadRequest' })
        const elsewhere = configMap('b', {}, { namespace: 'kube-system' })
        expect(await refusal(create(configMaps, elsewhere))).toMatchObject({
          code: 400,
          message: 'the namespace of the provided object does not match the namespace sent on the request',
        })
      })

      test('a missing object, a missing resource', async () => {
        expect(await refusal(get(configMaps, 'none'))).toMatchObject({
          code: 404,
          reason: 'NotFound',
          message: 'configmaps "none" not found',
        })
        const unknown = { group: 'no.such', version: 'v1', resource: 'things', namespace: 'default' }
        expect(await refusal(list(unknown))).toMatchObject({ code: 404 })
      })

      test('an update replaces if the version is right', async () => {
        const first = await create(configMaps, configMap('a', { x: '1' }))
        const second = await call<KubeObject & Json>({
          ...configMaps,
          verb: 'update',
          name: 'a',
          body: { ...first, data: { y: '2' } },
        })
        expect(second).toMatchObject({ data: { y: '2' }, metadata: { uid: first.metadata.uid } })
        expect(second.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion)
        const stale = call({ ...configMaps, verb: 'update', name: 'a', body: { ...first, data: { z: '3' } } })
        expect(await refusal(stale)).toMatchObject({
          code: 409,
          reason: 'Conflict',
          message:
            'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
        })
      })

      test('a write that changes nothing keeps the version', async () => {
        const first = await create(configMaps, configMap('a', { x: '1' }))
        const same = await call<KubeObject>({ ...configMaps, verb: 'update', name: 'a', body: first })
        const patched = await patch(configMaps, 'a', 'merge', { data: { x: '1' } })
        expect(same.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
        expect(patched.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
      })

      test('of concurrent updates of one version exactly one wins', async () => {
        const first = await create(configMaps, configMap('a', { x: '0' }))
        const attempts = await Promise.allSettled(
          ['1', '2', '3', '4'].map(x => call({ ...configMaps, verb: 'update', name: 'a', body: { ...first, data: { x } } })),
        )
        expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      })

      test('a dry run answers as if, and stores nothing', async () => {
        const made = await create(configMaps, configMap('a'), { options: { dryRun: true } })
        expect(made.metadata.name).toBe('a')
        expect(await refusal(get(configMaps, 'a'))).toMatchObject({ code: 404 })
      })

      test('deletion answers what went, and it is gone', async () => {
        const { metadata } = await create(configMaps, configMap('a'))
        expect(await remove(configMaps, 'a')).toMatchObject({
          kind: 'Status',
          status: 'Success',
          details: { name: 'a', kind: 'configmaps', uid: metadata.uid },
        })
        expect(await refusal(get(configMaps, 'a'))).toMatchObject({ code: 404 })
        expect(await refusal(remove(configMaps, 'a'))).toMatchObject({ code: 404 })
      })

      test('a deletion with the wrong uid is refused', async () => {
        await create(configMaps, configMap('a'))
        expect(await refusal(remove(configMaps, 'a', { preconditions: { uid: 'other' } }))).toMatchObject({ code: 409 })
      })

      test('a finalizer keeps a deleted object until it is taken off', async () => {
        await create(configMaps, configMap('a', {}, { finalizers: ['example.com/keep'] }))
        const marked = await remove(configMaps, 'a')
        expect(marked.metadata.deletionTimestamp).toBeTruthy()
        expect((await get(configMaps, 'a')).metadata.deletionTimestamp).toBe(marked.metadata.deletionTimestamp)
        await patch(configMaps, 'a', 'merge', { metadata: { finalizers: null } })
        expect(await refusal(get(configMaps, 'a'))).toMatchObject({ code: 404 })
      })

      test('deletecollection removes what is selected', async () => {
        for (const name of ['a', 'b', 'c']) {
          await create(configMaps, configMap(name, {}, { labels: { keep: String(name === 'c') } }))
        }
        const options = { labelSelector: 'keep=false' }
        const deleted = await call<KubeList>({ ...configMaps, verb: 'deletecollection', options })
        expect(names(deleted)).toEqual(['a', 'b'])
        expect(names(await list(configMaps))).toEqual(['c'])
      })
    })

    describe('patches', () => {
      test('each type does what it is named after', async () => {
        await create(configMaps, configMap('a', { x: '1', y: '2' }))
        const merged = await patch(configMaps, 'a', 'merge', { data: { x: null, z: '3' } })
        expect(merged.data).toEqual({ y: '2', z: '3' })
        const edited = await patch(configMaps, 'a', 'json', [{ op: 'replace', path: '/data/y', value: '9' }])
        expect(edited.data).toEqual({ y: '9', z: '3' })
        await create(deployments, deployment('web'))
        const sidecar = { spec: { template: { spec: { containers: [{ name: 'side', image: 'busybox' }] } } } }
        const strategic = await patch<KubeObject & { spec: { template: { spec: { containers: { name: string }[] } } } }>(
          deployments,
          'web',
          'strategic',
          sidecar,
        )
        expect(strategic.spec.template.spec.containers.map(({ name }) => name).sort()).toEqual(['main', 'side'])
      })

      test('a patch may insist on a version', async () => {
        const first = await create(configMaps, configMap('a'))
        await patch(configMaps, 'a', 'merge', { data: { x: '1' } })
        const stale = { metadata: { resourceVersion: first.metadata.resourceVersion }, data: { x: '2' } }
        expect(await refusal(patch(configMaps, 'a', 'merge', stale))).toMatchObject({ code: 409, reason: 'Conflict' })
      })

      test('concurrent patches all take effect', async () => {
        await create(configMaps, configMap('a'))
        await Promise.all(['p', 'q', 'r'].map(key => patch(configMaps, 'a', 'merge', { data: { [key]: '1' } })))
        expect((await get(configMaps, 'a')).data).toEqual({ p: '1', q: '1', r: '1' })
      })

      test('a JSON patch that does not fit is refused as a whole', async () => {
        await create(configMaps, configMap('a', { x: '1' }))
        const operations = [
          { op: 'add', path: '/data/y', value: '2' },
          { op: 'test', path: '/data/x', value: 'other' },
        ]
        expect(await refusal(patch(configMaps, 'a', 'json', operations))).toMatchObject({ code: 422, reason: 'Invalid' })
        expect((await get(configMaps, 'a')).data).toEqual({ x: '1' })
      })
    })

    describe('lists', () => {
      test('selectors, namespaces and order', async () => {
        await create(configMaps, configMap('b', {}, { labels: { tier: 'front' } }))
        await create(configMaps, configMap('a', {}, { labels: { tier: 'back' } }))
        await create({ ...configMaps, namespace: 'kube-public' }, configMap('c', {}, { labels: { tier: 'front' } }))
        const everywhere = { group: '', version: 'v1', resource: 'configmaps' }
        expect(names(await list(configMaps))).toEqual(['a', 'b'])
        expect(names(await list(everywhere))).toEqual(['a', 'b', 'c'])
        expect(names(await list(everywhere, { labelSelector: 'tier in (front)' }))).toEqual(['b', 'c'])
        expect(names(await list(configMaps, { fieldSelector: 'metadata.name=b' }))).toEqual(['b'])
        expect(names(await list(configMaps, { fieldSelector: 'metadata.name!=b' }))).toEqual(['a'])
        expect(await refusal(list(configMaps, { labelSelector: 'a in (' }))).toMatchObject({ code: 400 })
        expect(await refusal(list(configMaps, { fieldSelector: 'data.x=1' }))).toMatchObject({ code: 400 })
      })

      test('pages are one consistent snapshot', async () => {
        for (const name of ['a', 'b', 'c', 'd', 'e']) await create(configMaps, configMap(name))
        const first = await list(configMaps, { limit: 2 })
        await remove(configMaps, 'd')
        await create(configMaps, configMap('bb'))
        const second = await list(configMaps, { limit: 2, continue: first.metadata.continue ?? '' })
        const third = await list(configMaps, { limit: 2, continue: second.metadata.continue ?? '' })
        expect([first, second, third].map(names)).toEqual([['a', 'b'], ['c', 'd'], ['e']])
        expect([first, second, third].map(({ metadata }) => metadata.remainingItemCount)).toEqual([3, 1, undefined])
        expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
        expect(third.metadata.continue).toBeUndefined()
      })

      test('a list can show an old revision', async () => {
        const before = await create(configMaps, configMap('a', { x: '1' }))
        await patch(configMaps, 'a', 'merge', { data: { x: '2' } })
        const { resourceVersion } = before.metadata
        const old = await list(configMaps, { resourceVersion, resourceVersionMatch: 'Exact' })
        expect(old.items).toMatchObject([{ data: { x: '1' } }])
        expect(old.metadata.resourceVersion).toBe(resourceVersion)
      })

      test('a list sees the write before it', async () => {
        for (let i = 0; i < 20; i++) {
          await create(configMaps, configMap(`n${i}`))
          expect((await list(configMaps)).items).toHaveLength(i + 1)
        }
      })
    })

    describe('watches', () => {
      test('a watch from a list sees everything after it, in order, once', async () => {
        await create(configMaps, configMap('before'))
        const { metadata } = await list(configMaps)
        const seen = watch(configMaps, { resourceVersion: metadata.resourceVersion })
        await create(configMaps, configMap('a'))
        await patch(configMaps, 'a', 'merge', { data: { x: '1' } })
        await remove(configMaps, 'a')
        expect(await seen.until(3)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a'])
        const versions = seen.events.map(({ object }) => Number(object.metadata.resourceVersion))
        expect(versions).toEqual([...versions].sort((a, b) => a - b))
        expect(new Set(versions).size).toBe(3)
        expect(seen.events[2]?.object).toMatchObject({ data: { x: '1' } })
      })

      test('a watch without a version starts with what is there', async () => {
        await create(configMaps, configMap('a'))
        await create(configMaps, configMap('b'))
        const seen = watch(configMaps, {})
        expect((await seen.until(2)).sort()).toEqual(['ADDED a', 'ADDED b'])
        await create(configMaps, configMap('c'))
        expect((await seen.until(3)).at(-1)).toBe('ADDED c')
      })

      test('initial events can be asked for, with a bookmark at their end', async () => {
        await create(configMaps, configMap('a'))
        const seen = watch(configMaps, {
          sendInitialEvents: true,
          resourceVersionMatch: 'NotOlderThan',
          allowWatchBookmarks: true,
        })
        await seen.until(2)
        const [first, end] = seen.events
        expect(first).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } })
        expect(end).toMatchObject({ type: 'BOOKMARK', endOfInitialEvents: true })
        expect(Number(end?.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(
          Number(first?.object.metadata.resourceVersion),
        )
        await create(configMaps, configMap('b'))
        expect((await seen.until(3)).at(-1)).toBe('ADDED b')
      })

      test('objects that start or stop to match appear and vanish', async () => {
        const { metadata } = await list(configMaps)
        const seen = watch(configMaps, { resourceVersion: metadata.resourceVersion, labelSelector: 'color=red' })
        await create(configMaps, configMap('a', {}, { labels: { color: 'blue' } }))
        await patch(configMaps, 'a', 'merge', { metadata: { labels: { color: 'red' } } })
        await patch(configMaps, 'a', 'merge', { data: { x: '1' } })
        const left = await patch(configMaps, 'a', 'merge', { metadata: { labels: { color: 'green' } } })
        await remove(configMaps, 'a')
        await create(configMaps, configMap('end', {}, { labels: { color: 'red' } }))
        expect(await seen.until(4)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED end'])
        expect(seen.events[2]?.object.metadata).toMatchObject({
          labels: { color: 'red' },
          resourceVersion: left.metadata.resourceVersion,
        })
      })

      test('a watch of one node sees its pods only', async () => {
        const { metadata } = await list(pods)
        const seen = watch(pods, { resourceVersion: metadata.resourceVersion, fieldSelector: 'spec.nodeName=n1' })
        await create(pods, pod('a'))
        await create(pods, pod('b'))
        const target = (name: string) => ({ target: { kind: 'Node', name } })
        await create(pods, target('n2'), { name: 'b', subresource: 'binding' })
        await create(pods, target('n1'), { name: 'a', subresource: 'binding' })
        expect(await seen.until(1)).toEqual(['ADDED a'])
      })

      test('a watch ends when its time is up', async () => {
        const seen = watch(configMaps, { resourceVersion: '0', timeoutSeconds: 1 })
        await seen.done
        expect(seen.events).toEqual([])
      })

      test('a version that is not one is refused', async () => {
        await expect(watch(configMaps, { resourceVersion: 'abc' }).done).rejects.toMatchObject({ status: { code: 400 } })
      })
    })

    describe('subresources', () => {
      test('status and the rest of an object do not touch each other', async () => {
        const created = await create<KubeObject & { spec: Json }>(deployments, deployment('web'))
        const status = { observedGeneration: 1, replicas: 2 }
        const body = { ...created, spec: { ...created.spec, replicas: 9 }, status }
        const updated = await call<KubeObject & Json>({
          ...deployments,
          verb: 'update',
          name: 'web',
          subresource: 'status',
          body,
        })
        expect(updated).toMatchObject({ spec: { replicas: 2 }, status, metadata: { generation: 1 } })
        const scaled = await patch(deployments, 'web', 'merge', { spec: { replicas: 5 }, status: { replicas: 0 } })
        expect(scaled).toMatchObject({ spec: { replicas: 5 }, status, metadata: { generation: 2 } })
      })

      test('binding happens once', async () => {
        await create(pods, pod('a', { annotations: { old: '1' } }))
        const bind = (node: string) =>
          create(
            pods,
            { metadata: { annotations: { by: 'me' } }, target: { kind: 'Node', name: node } },
            { name: 'a', subresource: 'binding' },
          )
        expect(await bind('n1')).toMatchObject({ kind: 'Status', status: 'Success' })
        expect(await get(pods, 'a')).toMatchObject({
          metadata: { annotations: { old: '1', by: 'me' } },
          spec: { nodeName: 'n1' },
          status: { conditions: [{ type: 'PodScheduled', status: 'True' }] },
        })
        expect(await refusal(bind('n2'))).toMatchObject({
          code: 409,
          reason: 'Conflict',
          message: 'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n1"',
        })
      })

      test('scale reads and writes the replicas', async () => {
        await create(deployments, deployment('web'))
        const scale = await call<KubeObject & Json>({ ...deployments, verb: 'get', name: 'web', subresource: 'scale' })
        expect(scale).toMatchObject({
          kind: 'Scale',
          apiVersion: 'autoscaling/v1',
          spec: { replicas: 2 },
          status: { selector: 'app=web' },
        })
        const more = { subresource: 'scale' }
        expect(await patch(deployments, 'web', 'merge', { spec: { replicas: 7 } }, more)).toMatchObject({ spec: { replicas: 7 } })
        expect(await get(deployments, 'web')).toMatchObject({ spec: { replicas: 7 }, metadata: { generation: 2 } })
      })

      test('an unscheduled pod that is evicted is gone', async () => {
        await create(pods, pod('a'))
        const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' } }
        expect(await create(pods, eviction, { name: 'a', subresource: 'eviction' })).toMatchObject({ status: 'Success' })
        expect(await refusal(get(pods, 'a'))).toMatchObject({ code: 404 })
      })

      test('a namespace goes when its finalizer is taken off', async () => {
        await create(namespaces, { metadata: { name: 'gone' } })
        const marked = await remove(namespaces, 'gone')
        expect(marked).toMatchObject({ status: { phase: 'Terminating' }, spec: { finalizers: ['kubernetes'] } })
        const inside = create({ ...configMaps, namespace: 'gone' }, configMap('late'))
        expect(await refusal(inside)).toMatchObject({
          code: 403,
          details: { causes: [{ reason: 'NamespaceTerminating' }] },
        })
        const body = { ...marked, spec: { finalizers: [] } }
        await call({ ...namespaces, verb: 'update', name: 'gone', subresource: 'finalize', body })
        expect(await refusal(get(namespaces, 'gone'))).toMatchObject({ code: 404 })
      })
    })

    describe('what the server says about itself', () => {
      test('version and discovery', async () => {
        expect(await fixture.transport.raw('/version')).toMatchObject({ major: '1' })
        const { resources } = (await fixture.transport.raw('/apis/apps/v1')) as { resources: { name: string }[] }
        expect(resources.map(({ name }) => name)).toEqual(expect.arrayContaining(['deployments', 'deployments/scale']))
        await expect(fixture.transport.raw('/no/such/path')).rejects.toBeInstanceOf(ApiError)
      })
    })
  })
}
