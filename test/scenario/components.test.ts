import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { Lease } from '../../api/coordination/lease.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import type { WhyStep } from '../../apiserver/why.ts'
import { systemClock } from '../../lib/clock.ts'
import { eventually } from '../support/eventually.ts'
import { deploymentNamed } from '../support/objects.ts'
import { type Process, type Program, program } from '../support/program.ts'

// Two controller managers and two schedulers, each a process of its own, over HTTPS beside one API server.

const times = { lease: 6000, renew: 4000, retry: 500 }
const electionFlags = [
  `--leader-elect-lease-duration=${times.lease}ms`,
  `--leader-elect-renew-deadline=${times.renew}ms`,
  `--leader-elect-retry-period=${times.retry}ms`,
]
/** The record stands still for as long as the lease, and candidates look every retry period and up to 1.2 more. */
const longestTakeoverInMs = times.lease + 2.2 * times.retry
/** What a busy machine may add. */
const slackInMs = 3000

type Component = 'controller-manager' | 'scheduler'
interface Running {
  readonly process: Process
  readonly identity: string
}

let cluster: Program
let auditLog = ''
const running: Record<Component, Running[]> = { 'controller-manager': [], scheduler: [] }
const watching = new AbortController()
let watched: Promise<void>
/** What a watch has shown of each pod, by UID. */
const seen = new Map<string, { app: string; isActive: boolean; nodes: Set<string> }>()
/** The most that were active at once of each Deployment. */
const most = new Map<string, number>()

beforeAll(async () => {
  cluster = await program({ isSimulated: true })
  auditLog = join(cluster.folder, 'audit.log')
  await cluster.up(
    ...['--runtime', 'simulated', '--nodes', '0', '--simulated-nodes', '4', '--audit-log-path', auditLog],
    ...['--controller-manager', 'false', '--scheduler', 'false'],
  )
  await Promise.all((['controller-manager', 'scheduler'] as const).flatMap(name => [begin(name), begin(name)]))
  await eventually(async () => {
    const { items } = await cluster.client.list(Node)
    expect(
      items.filter(({ status }) => status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')).length,
    ).toBe(4)
  })
  watched = watchPods()
  for (const name of ['a', 'b', 'c'])
    await cluster.client.create(Deployment, namespaced(deploymentNamed(name, 4, { more: { strategy } })))
  await settled(4, 'a', 'b', 'c')
}, 60_000)
afterAll(async () => {
  watching.abort()
  await watched
  await cluster?.[Symbol.asyncDispose]()
}, 60_000)

const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } }
const namespaced = ({ metadata, ...more }: ReturnType<typeof deploymentNamed>) =>
  ({ ...more, metadata: { ...metadata, namespace: 'default' } }) as never

async function begin(name: Component): Promise<Running> {
  const process = await cluster.begin([name, '--data-dir', cluster.dataDir, ...electionFlags], 'Started in')
  const identity = /identity +(\S+)/.exec(process.output())?.[1] ?? ''
  const one = { process, identity }
  running[name].push(one)
  return one
}

async function watchPods(): Promise<void> {
  const { metadata } = await cluster.client.list(Pod, { namespace: 'default' })
  const options = { namespace: 'default', resourceVersion: metadata.resourceVersion }
  for await (const events of cluster.client.watch(Pod, options, watching.signal))
    for (const { type, object } of events) {
      if (type === 'BOOKMARK') continue
      const { uid, labels, deletionTimestamp } = object.metadata
      const pod = seen.get(uid) ?? { app: labels?.app ?? '', isActive: true, nodes: new Set() }
      pod.isActive = type !== 'DELETED' && deletionTimestamp === undefined
      if (object.spec.nodeName) pod.nodes.add(object.spec.nodeName)
      seen.set(uid, pod)
      const active = [...seen.values()].filter(({ app, isActive }) => app === pod.app && isActive).length
      most.set(pod.app, Math.max(most.get(pod.app) ?? 0, active))
    }
}

const createdOf = (app: string) => [...seen.values()].filter(pod => pod.app === app).length

/** Waits until each Deployment has so many pods, all of them Ready, and the watch has shown that. */
async function settled(replicas: number, ...names: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      for (const name of names) {
        const { metadata, spec, status } = await cluster.client.get(Deployment, { namespace: 'default', name })
        expect({ name, ...status }).toMatchObject({
          observedGeneration: metadata.generation,
          replicas,
          updatedReplicas: replicas,
          readyReplicas: replicas,
        })
        expect(spec.replicas).toBe(replicas)
        expect([...seen.values()].filter(pod => pod.app === name && pod.isActive).length).toBe(replicas)
      }
    },
    { timeoutInMs: 30_000 },
  )
}

const change = (name: string, spec: object) => cluster.client.patch(Deployment, { namespace: 'default', name }, 'merge', { spec })
const leaseOf = async (name: Component) =>
  (await cluster.client.get(Lease, { namespace: 'kube-system', name: `kube-${name}` })).spec ?? {}
const since = (ms: number) => systemClock.monotonic() - ms

/** Ends the leader; answers how long until another one had its Lease, and from the leader's last sign of life. */
async function endLeader(name: Component, signal: NodeJS.Signals) {
  const { holderIdentity } = await leaseOf(name)
  const leader = running[name].find(({ identity }) => identity === holderIdentity)
  if (!leader) throw new Error(`nobody here leads: ${holderIdentity}`)
  const began = systemClock.monotonic()
  const code = await leader.process.kill(signal)
  running[name] = running[name].filter(one => one !== leader)
  const { renewTime } = await leaseOf(name)
  const next = await eventually(
    async () => {
      const lease = await leaseOf(name)
      expect(running[name].map(({ identity }) => identity)).toContain(lease.holderIdentity)
      return lease
    },
    { everyMs: 10 },
  )
  return {
    code,
    next,
    tookInMs: since(began),
    fromLastRenewalInMs: Date.parse(next.renewTime ?? '') - Date.parse(renewTime ?? ''),
  }
}

test('the leader of the controllers is killed in the middle of scaling and of a rollout: the other one goes on, and does nothing twice', async () => {
  const before = { a: createdOf('a'), b: createdOf('b'), c: createdOf('c') }
  await change('a', { replicas: 40 })
  await change('b', { replicas: 1 })
  await change('c', { template: { metadata: { annotations: { version: '2' } } } })
  // In the middle: something has been made, not everything.
  await eventually(() => expect(createdOf('a')).toBeGreaterThan(before.a), { everyMs: 1 })
  const { next, tookInMs, fromLastRenewalInMs } = await endLeader('controller-manager', 'SIGKILL')
  console.log(
    `controllers: another leader ${Math.round(tookInMs)} ms after SIGKILL, ${fromLastRenewalInMs} ms after the last renewal`,
  )
  expect(fromLastRenewalInMs).toBeLessThan(longestTakeoverInMs + slackInMs)
  expect(fromLastRenewalInMs).toBeGreaterThanOrEqual(times.lease)
  expect(next.leaseTransitions).toBe(1)
  await settled(40, 'a')
  await settled(1, 'b')
  await settled(4, 'c')
  expect({ a: createdOf('a'), b: createdOf('b'), c: createdOf('c') }).toEqual({ a: before.a + 36, b: before.b, c: before.c + 4 })
  expect(most.get('c')).toBeLessThanOrEqual(4 + 2)
  expect(most.get('a')).toBe(40)
}, 60_000)

test('the leader of the schedulers is killed while pods wait: the other one places them, each once', async () => {
  await change('b', { replicas: 40 })
  const { next, tookInMs, fromLastRenewalInMs } = await endLeader('scheduler', 'SIGKILL')
  console.log(
    `scheduler: another leader ${Math.round(tookInMs)} ms after SIGKILL, ${fromLastRenewalInMs} ms after the last renewal`,
  )
  expect(fromLastRenewalInMs).toBeLessThan(longestTakeoverInMs + slackInMs)
  expect(next.leaseTransitions).toBe(1)
  await settled(40, 'b')
  for (const { nodes } of seen.values()) expect(nodes.size).toBeLessThanOrEqual(1)
}, 60_000)

test('a leader that is held up for longer than its lease finds another one at work, and touches nothing', async () => {
  const next = await begin('controller-manager')
  const { holderIdentity } = await leaseOf('controller-manager')
  const leader = running['controller-manager'].find(({ identity }) => identity === holderIdentity)
  expect(leader && leader !== next).toBe(true)
  process.kill(leader?.process.pid ?? 0, 'SIGSTOP')
  const before = createdOf('c')
  // It hears of this only once it goes on, together with all that has come of it.
  await change('c', { replicas: 30 })
  await eventually(async () => expect((await leaseOf('controller-manager')).holderIdentity).toBe(next.identity))
  await settled(30, 'c')
  process.kill(leader?.process.pid ?? 0, 'SIGCONT')
  await change('c', { replicas: 34 })
  await settled(34, 'c')
  expect(createdOf('c')).toBe(before + 30)
  expect((await leaseOf('controller-manager')).holderIdentity).toBe(next.identity)
}, 60_000)

test('who is told to end gives the Lease back, and the next one need not wait', async () => {
  await begin('scheduler')
  for (const name of ['controller-manager', 'scheduler'] as const) {
    await change('a', { replicas: name === 'scheduler' ? 10 : 20 })
    const { code, tookInMs } = await endLeader(name, 'SIGTERM')
    console.log(`${name}: another leader ${Math.round(tookInMs)} ms after SIGTERM`)
    expect(code).toBe(0)
    expect(tookInMs).toBeLessThan(2.2 * times.retry + slackInMs)
    await settled(name === 'scheduler' ? 10 : 20, 'a')
  }
}, 60_000)

test('every pod there has been was bound by one write, and nobody was refused one', async () => {
  const bindings = await eventually(async () => {
    const written = (await readFile(auditLog, 'utf8')).split('\n').filter(Boolean)
    const found = written
      .map(line => JSON.parse(line) as AuditLine)
      .filter(
        ({ stage, verb, objectRef }) => stage === 'ResponseComplete' && verb === 'create' && objectRef?.subresource === 'binding',
      )
    expect(found.length).toBeGreaterThanOrEqual([...seen.values()].filter(({ nodes }) => nodes.size > 0).length)
    return found
  })
  expect(bindings.filter(({ responseStatus }) => responseStatus.code !== 201)).toEqual([])
  const names = bindings.map(({ objectRef }) => objectRef?.name)
  expect(names.length).toBe(new Set(names).size)
  console.log(`${seen.size} pods were made, ${bindings.length} bindings written`)

  const { items } = await cluster.client.list(Pod, { namespace: 'default' })
  const living = items.filter(({ metadata }) => !metadata.deletionTimestamp)
  expect(living.length).toBe(10 + 40 + 34)
  const steps = await Promise.all(living.map(({ metadata }) => why(metadata.name)))
  for (const journal of steps) expect(journal.filter(({ subresource }) => subresource === 'binding').length).toBe(1)
  expect(new Set(bindings.map(({ user }) => user.username))).toEqual(new Set(['system:kube-scheduler']))
})

interface AuditLine {
  readonly stage: string
  readonly verb: string
  readonly user: { readonly username: string }
  readonly objectRef?: { readonly name: string; readonly subresource?: string }
  readonly responseStatus: { readonly code: number }
}

async function why(pod: string): Promise<readonly WhyStep[]> {
  const path = `/wherry/v1/why?resource=pods&namespace=default&name=${pod}`
  const { text } = await cluster.https.request({ method: 'GET', path })
  return (JSON.parse(text) as { steps: WhyStep[] }).steps.filter(step => step.resource === 'pods' && step.name === pod)
}
