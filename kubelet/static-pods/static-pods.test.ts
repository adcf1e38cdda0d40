import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { isReason } from '../../api/errors.ts'
import type { KubeletConfig } from '../config.ts'
import { type SimulatedStory, simulatedStory } from '../workers/testing.ts'
import { readStaticPod } from './manifest.ts'

const origin = { nodeName: 'node-a', path: '/pods/web.yaml', now: Date.UTC(2026, 0, 1) }
const yaml = (name: string, spec = '', image = 'registry/app:1') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec:\n  containers: [{name: app, image: "${image}"}]\n${spec}`

test('a file becomes a pod of this node: named after it, bound to it, tolerant, with a uid of its own and all defaults', async () => {
  const { metadata, spec, status } = await readStaticPod(yaml('web'), origin)
  expect(metadata).toMatchObject({ name: 'web-node-a', namespace: 'default', uid: expect.stringMatching(/^[0-9a-f]{32}$/) })
  expect(metadata.annotations).toEqual({
    'kubernetes.io/config.hash': metadata.uid,
    'kubernetes.io/config.source': 'file',
    'kubernetes.io/config.seen': '2026-01-01T00:00:00Z',
  })
  expect(spec).toMatchObject({
    nodeName: 'node-a',
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
  })
  expect(status).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' })
})

test('the uid follows from what the file says, where it is, and whose it is; a uid in the file counts', async () => {
  const uid = async (text: string, more = {}) => (await readStaticPod(text, { ...origin, ...more })).metadata.uid
  const first = await uid(yaml('web'))
  expect(await uid(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...objectOf('web') }))).toBe(first)
  for (const other of [
    uid(yaml('web', '', 'registry/app:2')),
    uid(yaml('web'), { path: '/pods/other.yaml' }),
    uid(yaml('web'), { nodeName: 'b' }),
  ])
    expect(await other).not.toBe(first)
  expect(await uid(yaml('web').replace('{name: web}', '{name: web, uid: fixed}'))).toBe('fixed')
})

const objectOf = (name: string) => ({ metadata: { name }, spec: { containers: [{ name: 'app', image: 'registry/app:1' }] } })

test.each([
  ['no YAML', '{', "couldn't parse as pod("],
  ['another kind', 'apiVersion: v1\nkind: Service', "couldn't parse as pod("],
  ['no name', yaml('""'), 'invalid pod: name is needed for the pod'],
  [
    'no valid pod',
    yaml('web').replace('image: "registry/app:1"', 'image: ""'),
    'invalid pod: [spec.containers[0].image: Required value]',
  ],
  ['a service account', yaml('web', '  serviceAccountName: me'), 'static pods may not reference serviceaccounts'],
  ['a config map', yaml('web', '  volumes: [{name: v, configMap: {name: c}}]'), 'static pods may not reference configmaps'],
  ['a pull secret', yaml('web', '  imagePullSecrets: [{name: s}]'), 'static pods may not reference secrets'],
  [
    'a claim',
    yaml('web', '  volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]'),
    'static pods may not reference persistentvolumeclaims',
  ],
])('refused: %s', async (_title, text, message) => {
  await expect(readStaticPod(text, origin)).rejects.toThrow(message)
})

async function story(config: Partial<KubeletConfig> = {}, isReachable = true) {
  const dir = await mkdtemp(join(tmpdir(), 'wherry-static-'))
  const node = await simulatedStory({ config: { usesDisk: false, staticPodPath: dir, ...config } }, isReachable)
  return {
    node,
    dir,
    write: (file: string, text: string) => writeFile(join(dir, file), text),
    remove: (file: string) => rm(join(dir, file)),
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
const isRunning = (pod: Pod | undefined) => pod?.status.phase === 'Running'
const alive = async (node: SimulatedStory) =>
  (await node.runtime.list()).containers.filter(one => one.state === 'running').map(one => one.pod.name)
/** Until the containers that run are these. */
const untilAlive = async (node: SimulatedStory, names: string[], limitInSeconds = 60) => {
  for (let left = limitInSeconds * 50; left > 0; left--) {
    if (JSON.stringify((await alive(node)).sort()) === JSON.stringify(names)) return
    await node.clock.advance(20)
  }
  expect((await alive(node)).sort()).toEqual(names)
}

test('a file runs; its mirror in the API shows its status, belongs to the node, and comes back when deleted', async () => {
  await using told = await story()
  const { node } = told
  await told.write('.hidden.yaml', yaml('hidden'))
  await mkdir(join(told.dir, 'folder'))
  await told.write('web.yaml', yaml('web'))
  const mirror = await node.until('web-node-a', isRunning, 60)
  const { metadata, status } = mirror!
  const uid = metadata.annotations?.['kubernetes.io/config.hash']
  expect(metadata.annotations).toMatchObject({ 'kubernetes.io/config.mirror': uid, 'kubernetes.io/config.source': 'file' })
  const { uid: nodeUid } = (await node.client.get(Node, { name: 'node-a' })).metadata
  expect(metadata.ownerReferences).toEqual([{ apiVersion: 'v1', kind: 'Node', name: 'node-a', uid: nodeUid, controller: true }])
  expect(metadata.uid).not.toBe(uid)
  expect(status.containerStatuses?.[0]).toMatchObject({ ready: true, restartCount: 0 })
  expect((await node.runtime.list()).containers.map(one => one.pod.uid)).toEqual([uid])

  await node.client.delete(Pod, { namespace: 'default', name: 'web-node-a' })
  const again = await node.until('web-node-a', pod => isRunning(pod) && pod?.metadata.uid !== metadata.uid, 60)
  expect(again?.metadata.deletionTimestamp).toBeUndefined()
  expect(again?.status.containerStatuses?.[0]?.containerID).toBe(status.containerStatuses?.[0]?.containerID)
  expect((await node.client.list(Pod)).items).toHaveLength(1)
})

test('editing the mirror changes nothing; a status that somebody else wrote is put right', async () => {
  await using told = await story()
  const { node } = told
  await told.write('web.yaml', yaml('web'))
  const { status } = (await node.until('web-node-a', isRunning, 60))!
  const spec = { containers: [{ name: 'app', image: 'registry/other:2' }] }
  await node.client.patch(Pod, { namespace: 'default', name: 'web-node-a' }, 'strategic', { spec })
  await node.client.patch(
    Pod,
    { namespace: 'default', name: 'web-node-a' },
    'merge',
    { status: { phase: 'Failed' } },
    { subresource: 'status' },
  )
  await node.clock.advance(120_000)
  const [container] = (await node.runtime.list()).containers
  expect(`docker://${container?.id}`.slice(-8)).toBe(status.containerStatuses?.[0]?.containerID?.slice(-8))
  expect(container).toMatchObject({ image: 'registry/app:1', state: 'running', attempt: 0 })
})

test('a changed file ends the old pod with its grace before the new one begins; a removed one ends it and its mirror', async () => {
  await using told = await story()
  const { node } = told
  const slow = '  terminationGracePeriodSeconds: 20'
  const stubborn = yaml('web', slow).replace('{name: web}', '{name: web, annotations: {simulated.wherry.dev/stop-after: 15s}}')
  await told.write('web.yaml', stubborn)
  const first = (await node.until('web-node-a', isRunning, 60))!
  await told.write('web.yaml', yaml('web', slow, 'registry/app:2'))
  const sum = async () => (await node.runtime.list()).containers.filter(one => one.state === 'running').length
  let most = 0
  const second = await node.until(
    'web-node-a',
    pod => {
      void sum().then(count => (most = Math.max(most, count)))
      return isRunning(pod) && pod?.metadata.uid !== first.metadata.uid
    },
    120,
  )
  expect(most).toBe(1)
  expect(second?.spec.containers[0]?.image).toBe('registry/app:2')
  expect(Date.parse(second?.status.containerStatuses?.[0]?.state.running?.startedAt ?? '')).toBeGreaterThanOrEqual(
    Date.parse(first.status.containerStatuses?.[0]?.state.running?.startedAt ?? '') + 15_000,
  )
  await told.remove('web.yaml')
  await node.until('web-node-a', pod => pod === undefined, 60)
  expect(await alive(node)).toEqual([])
})

test('a file that goes and comes back unchanged runs again, once the first has ended', async () => {
  await using told = await story()
  const { node } = told
  const text = yaml('web').replace('{name: web}', '{name: web, annotations: {simulated.wherry.dev/stop-after: 5s}}')
  await told.write('web.yaml', text)
  await node.until('web-node-a', isRunning, 60)
  const [before] = (await node.runtime.list()).containers
  await told.remove('web.yaml')
  for (let i = 0; i < 1500 && (await node.events('web-node-a')).every(text => !text.includes('Stopping')); i++)
    await node.clock.advance(20)
  await told.write('web.yaml', text)
  await node.clock.advance(60_000)
  await untilAlive(node, ['web-node-a'])
  const [after] = (await node.runtime.list()).containers.filter(one => one.state === 'running')
  expect(after?.pod.uid).toBe(before?.pod.uid)
  expect(after?.id).not.toBe(before?.id)
})

test('without the API static pods run, are restarted and adopted all the same; their mirrors appear when it is there', async () => {
  await using told = await story({}, false)
  const { node } = told
  await told.write('web.yaml', yaml('web'))
  await untilAlive(node, ['web-node-a'])
  const [container] = (await node.runtime.list()).containers
  await node.restart()
  await node.clock.advance(30_000)
  expect((await node.runtime.list()).containers.map(one => one.id)).toEqual([container?.id])
  void node.runtime.stopContainer(container?.id ?? '', 0)
  await node.clock.advance(30_000)
  await untilAlive(node, ['web-node-a'])
  node.setApiReachable(true)
  const mirror = await node.until('web-node-a', isRunning, 120)
  expect(mirror?.status.containerStatuses?.[0]?.restartCount).toBe(1)
})

test('orphans are left alone until all pods have been heard of', async () => {
  await using told = await story()
  const { node } = told
  await node.run('api', {})
  await node.until('api', isRunning)
  node.setApiReachable(false)
  await node.restart()
  await node.clock.advance(60_000)
  expect(await alive(node)).toEqual(['api'])
})

test('a mirror whose file went while the kubelet was away goes, and so do its containers', async () => {
  await using told = await story()
  const { node } = told
  await told.write('web.yaml', yaml('web'))
  await node.until('web-node-a', isRunning, 60)
  await told.remove('web.yaml')
  await node.restart()
  await node.until('web-node-a', pod => pod === undefined, 60)
  await untilAlive(node, [])
})

test('a pod of the API that only claims to come from a file is none', async () => {
  await using told = await story()
  const { node } = told
  await node.run('web', {}, { annotations: { 'kubernetes.io/config.source': 'file' } })
  await node.until('web', isRunning)
  await node.client.delete(Pod, { namespace: 'default', name: 'web' })
  await node.until('web', pod => pod === undefined)
})

test('the node cannot make pods other than mirrors of its own', async () => {
  await using told = await story()
  const { node } = told
  await told.write('web.yaml', yaml('web'))
  await node.until('web-node-a', isRunning, 60)
  const refusal = await node.client
    .create(Pod, { metadata: { name: 'web-node-a', namespace: 'default' }, spec: objectOf('web').spec })
    .catch((error: unknown) => error)
  expect(isReason(refusal, 'AlreadyExists')).toBe(true)
})
