import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import type { TestCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { type RealPods, realCluster, realPods } from '../support/real-pods.ts'
import { type Registry, testRegistry } from '../support/registry.ts'

/** Images come from a registry of our own, on this machine: tags, digests, credentials, and what can go wrong. */

let cluster: TestCluster
let pods: RealPods
/** For everybody, and only for those who say who they are: engines ask a registry once which of the two it is. */
let open: Registry
let registry: Registry
beforeAll(async () => {
  open = await testRegistry({
    'open/app': {},
    'open/again': {},
    'open/digest': {},
    'slow/one': { slowMs: 1500 },
    'slow/two': { slowMs: 1500 },
    'broken/app': { status: 503 },
  })
  registry = await testRegistry({
    'team/json': { users: ['me:secret'] },
    'team/cfg': { users: ['me:secret'] },
    'team/account': { users: ['robot:token'] },
    'team/several': { users: ['third:3'] },
    'team/closed': { users: ['nobody:else'] },
  })
  cluster = await realCluster()
  pods = await realPods(cluster, 'images')
})
afterAll(async () => {
  await cluster?.stop()
  await open?.[Symbol.asyncDispose]()
  await registry?.[Symbol.asyncDispose]()
})

const imageOf = (name: string) => `${name.startsWith('team/') ? registry.host : open.host}/${name}`
const run = (name: string, image: string, more: object = {}, container: object = {}) =>
  pods.pod(name, { ...more, container: { image, imagePullPolicy: 'IfNotPresent', ...container } })

const base64 = (text: string) => Buffer.from(text).toString('base64')
const dockerSecret = (name: string, auths: Record<string, string>, isOld = false) => {
  const entries = Object.fromEntries(Object.entries(auths).map(([place, user]) => [place, { auth: base64(user) }]))
  const data = isOld ? { '.dockercfg': JSON.stringify(entries) } : { '.dockerconfigjson': JSON.stringify({ auths: entries }) }
  const type = isOld ? 'kubernetes.io/dockercfg' : 'kubernetes.io/dockerconfigjson'
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, stringData: data }
}

/** Waits until the only container waits for this reason, and answers the message. */
const waitsFor = (name: string, reason: string) =>
  eventually(async () => {
    const waiting = (await pods.get(name)).status.containerStatuses?.[0]?.state.waiting
    expect(waiting?.reason).toBe(reason)
    return waiting?.message ?? ''
  })

describe.concurrent('images from a registry', () => {
  test('are pulled by tag; events tell of it, and which container it was for', async () => {
    const image = imageOf('open/app:1')
    await run('by-tag', image)
    const pod = await pods.phase('by-tag', 'Running')
    expect(pod.status.containerStatuses).toMatchObject([{ image, imageID: `${imageOf('open/app')}@${open.digest('open/app')}` }])
    const { namespace } = pods
    const { items } = await cluster.client.list(Event, { namespace, fieldSelector: 'involvedObject.name=by-tag' })
    const told = items.filter(({ source }) => source?.component === 'kubelet' && source.host)
    const ofContainer = told.filter(({ involvedObject }) => involvedObject.fieldPath === 'spec.containers{main}')
    expect(ofContainer.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      `Pulling: Pulling image "${image}"`,
      expect.stringMatching(
        /^Pulled: Successfully pulled image "[^"]+" in [\d.]+m?s \([\d.]+m?s including waiting\)\. Image size: \d+ bytes\.$/,
      ),
      'Created: Created container: main',
      'Started: Started container main',
    ])
  })

  test('are pulled by digest, with and without a tag', async () => {
    const digest = open.digest('open/digest')
    await run('by-digest', `${imageOf('open/digest')}@${digest}`)
    const { status } = await pods.phase('by-digest', 'Running')
    expect(status.containerStatuses).toMatchObject([{ imageID: `${imageOf('open/digest')}@${digest}` }])
    await run('by-both', `${imageOf('open/digest')}:1@${digest}`)
    await pods.phase('by-both', 'Running')
    await run('of-other-digest', `${imageOf('open/digest')}@sha256:${'0'.repeat(64)}`)
    expect(await waitsFor('of-other-digest', 'ImagePullBackOff')).toMatch(/: ErrImagePull: .*manifest unknown/)
  })

  test('Always asks the registry each time; a name without a tag is latest', async () => {
    const image = imageOf('open/again')
    await run('always', image, {}, { imagePullPolicy: 'Always' })
    await pods.phase('always', 'Running')
    const before = open.askers('open/again').length
    expect(before).toBeGreaterThan(0)
    await run('always-again', image, {}, { imagePullPolicy: 'Always' })
    await pods.phase('always-again', 'Running')
    expect(open.askers('open/again').length).toBeGreaterThan(before)
    const asked = open.askers('open/again').length
    await run('if-not-present', image)
    await pods.phase('if-not-present', 'Running')
    expect(open.askers('open/again')).toHaveLength(asked)
    expect(await pods.events('if-not-present')).toContain(`Pulled: Container image "${image}" already present on machine`)
  })

  test('one pull waits for another, and tells so', async () => {
    await Promise.all([run('slow-1', imageOf('slow/one:1')), run('slow-2', imageOf('slow/two:1'))])
    await Promise.all([pods.phase('slow-1', 'Running'), pods.phase('slow-2', 'Running')])
    const texts = [...(await pods.events('slow-1')), ...(await pods.events('slow-2'))]
    const times = texts.flatMap(text => {
      const found = / in ([\d.]+)s \(([\d.]+)s including waiting\)/.exec(text)
      return found ? [{ took: Number(found[1]), inAll: Number(found[2]) }] : []
    })
    expect(times).toHaveLength(2)
    expect(Math.max(...times.map(({ took, inAll }) => inAll - took))).toBeGreaterThan(1.4)
  })

  test('credentials of a dockerconfigjson and of a dockercfg secret', async () => {
    await pods.create(
      dockerSecret('json', { [`https://${registry.host}/v1/`]: 'me:secret' }),
      dockerSecret('cfg', { [registry.host]: 'me:secret' }, true),
    )
    await run('json', imageOf('team/json:1'), { imagePullSecrets: [{ name: 'json' }] })
    await run('cfg', imageOf('team/cfg:1'), { imagePullSecrets: [{ name: 'cfg' }] })
    await pods.phase('json', 'Running')
    await pods.phase('cfg', 'Running')
    expect(registry.askers('team/json')).toContain('me:secret')
  })

  test('credentials of the service account', async () => {
    await pods.create(dockerSecret('robot', { '127.0.0.*': 'wrong:port', [`${registry.host}/team`]: 'robot:token' }), {
      ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'puller' } },
      imagePullSecrets: [{ name: 'robot' }],
    } as never)
    await run('account', imageOf('team/account:1'), { serviceAccountName: 'puller' })
    expect((await pods.phase('account', 'Running')).spec.imagePullSecrets).toEqual([{ name: 'robot' }])
  })

  test('several credentials are tried, those for the longest path first; a missing secret is told', async () => {
    const port = registry.host.split(':')[1]
    await pods.create(
      dockerSecret('first', { [`${registry.host}/team/several`]: 'first:1', [registry.host]: 'third:3' }),
      dockerSecret('second', { [`127.0.*.1:${port}/team`]: 'second:2' }),
    )
    await run('several', imageOf('team/several:1'), {
      imagePullSecrets: [{ name: 'first' }, { name: 'gone' }, { name: 'second' }],
    })
    await pods.phase('several', 'Running')
    const users = [...new Set(registry.askers('team/several').filter(user => user !== ''))]
    expect(users).toEqual(['first:1', 'third:3', 'second:2'].filter(user => users.includes(user)))
    expect(users[0]).toBe('first:1')
    expect(await pods.events('several')).toContain(
      'FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (gone); attempting to pull the image may not succeed.',
    )
  })

  test('without credentials a pull fails and is put off; when the secret comes, it goes on', async () => {
    await run('denied', imageOf('team/closed:1'))
    const message = await waitsFor('denied', 'ImagePullBackOff')
    expect(message).toMatch(`Back-off pulling image "${imageOf('team/closed:1')}": ErrImagePull: `)
    const events = await pods.events('denied')
    expect(events).toContainEqual(expect.stringMatching(/^Failed: Failed to pull image "[^"]+team\/closed:1": .+/))
    expect(events).toContain('Failed: Error: ErrImagePull')
    expect(events).toContain(`BackOff: Back-off pulling image "${imageOf('team/closed:1')}"`)
    expect(events).toContain('Failed: Error: ImagePullBackOff')

    await pods.create(dockerSecret('late', { [registry.host]: 'nobody:else' }))
    await run('late', imageOf('team/closed:1'), { imagePullSecrets: [{ name: 'late' }] })
    await pods.phase('late', 'Running')
    // Here now, the image can be used by whoever waited for it.
    await cluster.client.patch(Pod, { namespace: pods.namespace, name: 'denied' }, 'merge', { metadata: { labels: { a: 'b' } } })
    await pods.phase('denied', 'Running')
  })

  test('a registry that is down has a reason of its own', async () => {
    await run('down', imageOf('broken/app:1'))
    const message = await waitsFor('down', 'ImagePullBackOff')
    const why = `RegistryUnavailable: image pull failed for ${imageOf('broken/app:1')} because the registry is unavailable`
    expect(message).toContain(`Back-off pulling image "${imageOf('broken/app:1')}": ${why}`)
  })

  test('names that cannot be, and images that must be here', async () => {
    await run('odd', 'UPPER/case:1:2')
    expect(await waitsFor('odd', 'InvalidImageName')).toContain('Failed to apply default image tag "UPPER/case:1:2": ')
    await run('never', imageOf('never/pulled:1'), {}, { imagePullPolicy: 'Never' })
    expect(await waitsFor('never', 'ErrImageNeverPull')).toBe(
      `Container image "${imageOf('never/pulled:1')}" is not present with pull policy of Never`,
    )
    await run('unknown', imageOf('open/app:no-such-tag'))
    expect(await waitsFor('unknown', 'ImagePullBackOff')).toMatch(/ErrImagePull: .*manifest unknown/)
  })
})
