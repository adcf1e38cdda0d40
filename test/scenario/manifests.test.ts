import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { Event } from '../../api/core/event.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Secret } from '../../api/core/secret.ts'
import { Service } from '../../api/core/service.ts'
import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { httpTransport } from '../../client/http-transport.ts'
import { behaviourPrefix } from '../../kubelet/runtime/simulated/behaviour.ts'
import { isReady, type TestCluster, testCertificates, testCluster } from '../support/cluster.ts'
import { manifest, manifestsDir } from '../support/manifests.ts'

const namespace = 'default'

test('every file in manifests/ is applied by a test here and by one on real containers', async () => {
  const files = (await readdir(manifestsDir)).filter(name => name.endsWith('.yaml'))
  const dockerDir = join(import.meta.dirname, '../docker')
  const dockerTests = await Promise.all((await readdir(dockerDir)).map(name => readFile(join(dockerDir, name), 'utf8')))
  const scenarioTests = [
    import.meta.filename,
    join(import.meta.dirname, 'custom-resources.test.ts'),
    join(import.meta.dirname, 'admission.test.ts'),
    join(import.meta.dirname, 'more-kinds.test.ts'),
  ]
  const scenarios = await Promise.all(scenarioTests.map(path => readFile(path, 'utf8')))
  const texts = { scenario: scenarios.join(), docker: dockerTests.join() }
  // Preemption is the scheduler's alone; custom resources, admission and access the API server's: the runtime makes no difference.
  const ofServer = /^(priority|custom-resource|admission-|access-)/
  // Nor do kinds that nobody makes pods of.
  const withoutPods = await readFile(join(import.meta.dirname, 'more-kinds.test.ts'), 'utf8')
  const isExempt = (project: string, file: string) =>
    project === 'docker' && (ofServer.test(file) || withoutPods.includes(`'${file}'`))
  const unnamed = Object.entries(texts).flatMap(([project, text]) =>
    files.filter(file => !isExempt(project, file) && !text.includes(`${file}'`)).map(file => `${project}: ${file}`),
  )
  expect(files.length).toBeGreaterThan(0)
  expect(unnamed).toEqual([])
})

/** A manifest whose pods carry word of how to behave on a simulated node. */
const simulated = async (file: string, behaviour: Record<string, string>) => {
  const annotations = Object.fromEntries(Object.entries(behaviour).map(([key, value]) => [behaviourPrefix + key, value]))
  const objects = await manifest(file)
  return objects.map(object => ({ ...object, ...(object.kind === 'Pod' && { metadata: { ...object.metadata, annotations } }) }))
}

const rolledOut = async (cluster: TestCluster, name: string, replicas: number) => {
  const { metadata, spec, status } = await cluster.client.get(Deployment, { namespace, name })
  expect({ spec: spec.replicas, ...status }).toMatchObject({
    spec: replicas,
    observedGeneration: metadata.generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  })
}

test('web: three copies behind a Service roll to version 2, never fewer than three of them ready', async () => {
  await using cluster = await testCluster()
  await cluster.apply('web.yaml')
  await cluster.eventually(() => rolledOut(cluster, 'web', 3))
  expect((await cluster.client.get(Service, { namespace, name: 'web' })).spec).toMatchObject({
    type: 'ClusterIP',
    ports: [{ name: 'http', port: 80, targetPort: 'http' }],
  })
  const before = await cluster.pods('app=web')
  expect(new Set(before.map(pod => pod.spec.nodeName))).toEqual(new Set(['simulated-1', 'simulated-2']))

  let fewest = 3
  await cluster.apply('web-v2.yaml')
  await cluster.eventually(async () => {
    fewest = Math.min(fewest, (await cluster.pods('app=web')).filter(isReady).length)
    await rolledOut(cluster, 'web', 3)
  })
  expect(fewest).toBe(3)
  const old = new Set(before.map(pod => pod.metadata.uid))
  const after = await cluster.eventually(async () => {
    const pods = await cluster.pods('app=web')
    expect(pods).toHaveLength(3)
    return pods
  })
  for (const pod of after) {
    expect(old.has(pod.metadata.uid)).toBe(false)
    expect(pod.spec.containers[0]?.command?.at(-1)).toContain('web v2')
  }
  const sets = (await cluster.client.list(ReplicaSet, { namespace })).items
  const revisionOf = (replicas: number) =>
    sets.find(set => set.spec.replicas === replicas)?.metadata.annotations?.['deployment.kubernetes.io/revision']
  expect([sets.length, revisionOf(0), revisionOf(3)]).toEqual([2, '1', '2'])
})

test('priority: `urgent` preempts `batch` where there is no room for both', async () => {
  await using cluster = await testCluster({ simulated: 1 })
  await cluster.apply('priority.yaml')
  await cluster.eventually(async () => expect(isReady(await cluster.pod('batch'))).toBe(true))
  await cluster.apply('priority-urgent.yaml')
  await cluster.eventually(async () => {
    expect(isReady(await cluster.pod('urgent'))).toBe(true)
    expect(await cluster.pods()).toHaveLength(1)
  })
  const events = (await cluster.client.list(Event, { namespace })).items
  const preempted = events.find(event => event.reason === 'Preempted')
  expect(preempted).toMatchObject({ involvedObject: { name: 'batch' }, message: expect.stringContaining('Preempted by') })
})

test('data: the claim waits for its pod, then gets a volume of its own and binds', async () => {
  await using cluster = await testCluster({ simulated: 1 })
  await cluster.apply('data.yaml')
  const claim = await cluster.eventually(async () => {
    const found = await cluster.client.get(PersistentVolumeClaim, { namespace, name: 'data' })
    expect(found.status.phase).toBe('Bound')
    return found
  })
  const volume = await cluster.client.get(PersistentVolume, { name: claim.spec.volumeName ?? '' })
  expect(volume).toMatchObject({
    spec: {
      capacity: { storage: '64Mi' },
      claimRef: { namespace, name: 'data', uid: claim.metadata.uid },
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'standard',
    },
    status: { phase: 'Bound' },
  })
  await cluster.eventually(async () => expect(isReady(await cluster.pod('counter'))).toBe(true))

  await cluster.client.delete(PersistentVolumeClaim, { namespace, name: 'data' })
  const protectedClaim = await cluster.client.get(PersistentVolumeClaim, { namespace, name: 'data' })
  expect(protectedClaim.metadata.finalizers).toContain('kubernetes.io/pvc-protection')
})

test('broken-image: ErrImagePull, then ImagePullBackOff', async () => {
  await using cluster = await testCluster({ simulated: 1 })
  await cluster.apply('broken-image.yaml')
  const reasons = new Set<string>()
  const waiting = await cluster.eventually(
    async () => {
      const pod = await cluster.pod('broken-image')
      const state = pod.status.containerStatuses?.[0]?.state?.waiting
      reasons.add(state?.reason ?? '')
      expect(pod.status.phase).toBe('Pending')
      expect(state?.reason).toBe('ImagePullBackOff')
      return state
    },
    { everyMs: 5 },
  )
  expect(reasons).toContain('ErrImagePull')
  expect(waiting?.message).toContain('Back-off pulling image "registry.invalid/missing/app:1"')
  await cluster.eventually(async () => {
    const events = (await cluster.client.list(Event, { namespace, fieldSelector: 'involvedObject.name=broken-image' })).items
    expect(events.map(event => event.reason)).toEqual(expect.arrayContaining(['Scheduled', 'Pulling', 'Failed', 'BackOff']))
  })
})

test('failing-probe: a container whose liveness probe fails is restarted, in the same pod', async () => {
  await using cluster = await testCluster({ simulated: 1 })
  await cluster.apply(await simulated('failing-probe.yaml', { ready: 'false' }))
  const { uid } = (await cluster.pod('failing-probe')).metadata
  await cluster.eventually(async () => {
    const pod = await cluster.pod('failing-probe')
    expect(pod.metadata.uid).toBe(uid)
    expect(pod.status.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: false, lastState: { terminated: {} } })
  })
  await cluster.eventually(async () => {
    const reasons = (await cluster.client.list(Event, { namespace })).items.map(event => event.reason)
    expect(reasons).toEqual(expect.arrayContaining(['Unhealthy', 'Killing']))
  })
})

test('config: the init container goes first, the pod ends as Succeeded, and the Secret is stored in base64', async () => {
  await using cluster = await testCluster({ simulated: 1 })
  await cluster.apply(await simulated('config.yaml', { 'run-for': '200ms' }))
  const secret = await cluster.client.get(Secret, { namespace, name: 'token' })
  expect(secret).toMatchObject({ type: 'Opaque', data: { TOKEN: Buffer.from('not-a-secret').toString('base64') } })
  await cluster.eventually(async () => {
    const { status } = await cluster.pod('config')
    expect(status.initContainerStatuses?.[0]?.state).toHaveProperty('running')
    expect(status).toMatchObject({ phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }] })
  })
  await cluster.eventually(async () => expect((await cluster.pod('config')).status.phase).toBe('Succeeded'))
})

test('qos: each pod is of the class that its requests and limits make it', async () => {
  await using cluster = await testCluster({ simulated: 1 })
  await cluster.apply('qos.yaml')
  await cluster.eventually(async () => expect((await cluster.pods()).filter(isReady)).toHaveLength(3))
  const classes = (await cluster.pods()).map(pod => [pod.metadata.name, pod.status.qosClass])
  expect(Object.fromEntries(classes)).toEqual({ guaranteed: 'Guaranteed', burstable: 'Burstable', 'best-effort': 'BestEffort' })
})

test('access: a machine with a bootstrap token may ask for a certificate, and for nothing else', async () => {
  await using cluster = await testCluster({ simulated: 0 })
  await cluster.apply('access-bootstrap-token.yaml')
  const { ca } = await testCertificates()
  const machine = httpTransport({ server: `https://127.0.0.1:${cluster.port}`, ca, token: 'a1b2c3.0123456789abcdef' })
  const requests = { group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests' }
  await cluster.eventually(async () => expect(await machine.call({ ...requests, verb: 'list' })).toMatchObject({ items: [] }))
  const pods = machine.call({ group: '', version: 'v1', resource: 'pods', verb: 'list' })
  await expect(pods).rejects.toThrow('User "system:bootstrap:a1b2c3" cannot list resource "pods"')
  machine.close()
})

test('access: a sum of roles gathers what is labelled for it', async () => {
  await using cluster = await testCluster({ simulated: 0 })
  await cluster.apply('access-aggregated-role.yaml')
  const rule = { apiGroups: ['harbour.example.com'], resources: ['boats'], verbs: ['get', 'list', 'watch'] }
  await cluster.eventually(async () => {
    const rulesOf = async (name: string) => (await cluster.client.get(ClusterRole, { name })).rules
    expect(await rulesOf('harbour-master')).toEqual([rule])
    for (const name of ['view', 'edit', 'admin']) expect(await rulesOf(name)).toContainEqual(rule)
  })
})
