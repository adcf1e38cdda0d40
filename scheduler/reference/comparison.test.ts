import { describe, expect, test } from 'vitest'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { seededRandom } from '../../lib/random.ts'
import { type Cluster, priorityOf } from './cluster.ts'
import { filterNodes, scores } from './decision.ts'
import { failureMessage } from './message.ts'
import { ourScheduler } from './ours.ts'
import { preempt } from './preemption.ts'
import { randomCluster } from './random-cluster.ts'
import { history } from './random-events.ts'

/** All of them take minutes: `CLUSTERS=10000 npx vitest run --project unit scheduler/reference`. `FIRST=4711 CLUSTERS=1` looks at one. */
const clusters = Number(process.env.CLUSTERS ?? 200)
/** With as many questions as there are clusters, or so. */
const histories = Math.ceil(clusters / 20)
const first = Number(process.env.FIRST ?? 1)
const { SHOW } = process.env
const podsPerCluster = 3
const stepsPerHistory = 30

const tells = (plugin: string) => `${plugin} tells nodes apart`

/** What was seen, so that the comparison cannot be of nothing. */
const seen = new Map<string, number>()
const sights = [
  'Too many pods',
  ...['cpu', 'memory', 'ephemeral-storage', 'example.com/gpu', 'hugepages-2Mi'].map(resource => `Insufficient ${resource}`),
  ...['NodeAffinity', 'VolumeRestrictions', 'VolumeBinding', 'VolumeZone'].map(plugin => `before: ${plugin}`),
  ...['NodeResourcesFit', 'NodeResourcesBalancedAllocation', 'ImageLocality', 'TaintToleration', 'NodeAffinity'].map(tells),
  ...['PodTopologySpread', 'InterPodAffinity'].map(tells),
  'node(s) were unschedulable',
  'node(s) had untolerated taint ',
  "node(s) didn't match Pod's node affinity/selector",
  "node(s) didn't have free ports for the requested pod ports",
  'node(s) had no available disk',
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
  'node(s) exceed max volume count',
  "node(s) didn't match PersistentVolume's node affinity",
  "node(s) didn't find available persistent volumes to bind",
  'node(s) did not have enough free storage',
  'node(s) had no available volume zone',
  "node(s) didn't match pod topology spread constraints",
  "node(s) didn't match pod topology spread constraints (missing required label)",
  "node(s) didn't match pod affinity rules",
  "node(s) didn't match pod anti-affinity rules",
  "node(s) didn't satisfy existing pods anti-affinity rules",
  'preemption',
  'budgets are in the way',
]
const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)

const text = ({ code, plugin, reasons }: { code: string; plugin: string; reasons: readonly string[] }) =>
  `${code} ${plugin}: ${[...reasons].sort().join(', ')}`

/** Pods that were nominated before are known to be, as the scheduler knows it from their status. */
function withNominations(cluster: Cluster, pods: readonly Pod[]): Cluster {
  const nominations = pods.flatMap(pod => {
    const { nominatedNodeName } = pod.status
    return nominatedNodeName ? [{ pod, nodeName: nominatedNodeName }] : []
  })
  return { ...cluster, nominations: [...cluster.nominations, ...nominations] }
}

type Ours = ReturnType<typeof ourScheduler>

const nameOf = ({ metadata }: Node) => metadata.name
const keyOf = ({ metadata }: Pod) => `${metadata.namespace}/${metadata.name}`

/** Every answer of ours about one pod beside the reference's. */
async function compare(ours: Ours, pod: Pod, cluster: Cluster): Promise<void> {
  const expected = filterNodes(pod, cluster)
  const { preFilter, answers, feasible } = expected
  const ourAnswers = ours.filter(pod)
  if (preFilter || 'code' in ourAnswers) {
    expectSame('code' in ourAnswers ? text(ourAnswers) : 'no word for all', preFilter ? text(preFilter) : 'no word for all')
    note(`before: ${preFilter?.plugin}`)
  } else {
    const said = (answer: Parameters<typeof text>[0] | undefined) => (answer ? text(answer) : 'fits')
    const theirs = Object.fromEntries([...answers].map(([node, answer]) => [nameOf(node), said(answer)]))
    expectSame(Object.fromEntries([...ourAnswers].map(([name, answer]) => [name, said(answer)])), theirs)
    for (const refusal of answers.values()) if (refusal) for (const reason of refusal.reasons) note(reason.replace(/\{.*/, ''))
  }
  if (feasible.length === 0) await comparePreemption(ours, pod, cluster, expected)
  else await compareScores(ours, pod, cluster, feasible)
}

async function compareScores(ours: Ours, pod: Pod, cluster: Cluster, feasible: readonly Node[]): Promise<void> {
  const { byPlugin, total } = scores(pod, feasible, cluster)
  expectSame(ours.scores(pod, feasible.map(nameOf)), byPlugin)
  for (const [plugin, points] of Object.entries(byPlugin)) if (new Set(Object.values(points)).size > 1) note(tells(plugin))
  const found = await ours.attempt(pod)
  if (!('feasible' in found)) throw new Error(`ours ${found.message}, reference ${feasible.map(nameOf).join()}`)
  const { nodeName, feasible: count, ranked } = found
  expect(count).toBe(feasible.length)
  if (feasible.length === 1) return expect(nodeName).toBe(feasible.map(nameOf)[0])
  expect(ranked.map(({ score }) => score)).toEqual(
    Object.values(total)
      .sort((a, b) => b - a)
      .slice(0, ranked.length),
  )
  for (const one of ranked) expect(one.score).toBe(total[one.nodeName])
  expect(nodeName).toBe(ranked[0]?.nodeName)
}

async function comparePreemption(
  ours: Ours,
  pod: Pod,
  cluster: Cluster,
  filtered: ReturnType<typeof filterNodes>,
): Promise<void> {
  const expected = preempt(pod, cluster, filtered)
  for (const [node, refusal] of filtered.answers) {
    if (!expected.isEligible || refusal?.code !== 'Unschedulable') continue
    const victims = expected.candidates.find(one => one.node === nameOf(node))
    expectSame(ours.victimsOn(pod, nameOf(node)), victims && { ...victims, pods: victims.pods.map(keyOf) })
  }
  const found = await ours.attempt(pod)
  if (!('message' in found)) throw new Error(`ours ${found.nodeName}, reference none`)
  const { message, nominatedNode, victims, takenBack } = found
  expectSame(message, failureMessage(pod, cluster, filtered, expected.message))
  if (expected.best.length === 0) return expect(nominatedNode).toBe('')
  note('preemption')
  if (expected.candidates.some(({ violations }) => violations > 0)) note('budgets are in the way')
  expect(expected.best).toContain(nominatedNode)
  const chosen = expected.candidates.find(({ node }) => node === nominatedNode)
  const leaving = chosen?.pods.filter(({ metadata }) => !metadata.deletionTimestamp).map(keyOf)
  expect(victims).toEqual(leaving?.sort())
  // Where all victims are leaving already, nothing more is done.
  const isAnyoneTold = leaving !== undefined && leaving.length > 0
  const lesser = cluster.nominations.filter(
    one => isAnyoneTold && one.nodeName === nominatedNode && priorityOf(one.pod) < priorityOf(pod),
  )
  expect(takenBack).toEqual(lesser.map(one => one.pod.metadata.uid))
}

/** Where two answers differ, entry by entry. */
function differences(ours: unknown, theirs: unknown): string[] {
  const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
  if (!isMap(ours) || !isMap(theirs)) return ours === theirs ? [] : [`ours ${String(ours)}, reference ${String(theirs)}`]
  const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
  return keys.flatMap(key => differences(ours[key], theirs[key]).map(difference => `${key}: ${difference}`))
}

function expectSame(ours: unknown, theirs: unknown): void {
  const found = differences(ours, theirs)
  expect(found, `${found.length} differences: ${found.slice(0, 3).join('; ')}`).toEqual([])
}

/** Says which cluster it was. */
async function labelled(seed: number, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (err) {
    throw new Error(`cluster ${seed} (FIRST=${seed} CLUSTERS=1): ${err instanceof Error ? err.message : String(err)}`, {
      cause: err,
    })
  }
}

describe('the scheduler decides as the plain reference does', () => {
  test(`in ${clusters} random clusters`, { timeout: 3_600_000 }, async () => {
    const failures: string[] = []
    for (let seed = first; seed < first + clusters; seed++) {
      await labelled(seed, async () => {
        const { cluster: made, newPod, newClaims } = randomCluster(seededRandom(seed))
        const incoming = Array.from({ length: podsPerCluster }, () => newPod())
        const cluster = withNominations({ ...made, claims: [...made.claims, ...newClaims()] }, incoming)
        const ours = ourScheduler(cluster, seed)
        for (const pod of incoming) await compare(ours, pod, cluster)
      }).catch((err: Error) => failures.push(err.message))
    }
    if (SHOW) console.log(failures.length, 'of', clusters, Object.fromEntries([...seen].sort()))
    const unseen = sights.filter(sight => !seen.has(sight))
    if (clusters >= 200) expect(unseen).toEqual([])
    expect(failures.slice(0, Number(SHOW ?? 3))).toEqual([])
  })

  test(`after whatever happens to ${histories} of them`, { timeout: 3_600_000 }, async () => {
    const failures: string[] = []
    for (let seed = first; seed < first + histories; seed++) {
      const steps: string[] = []
      await labelled(seed, async () => {
        const made = randomCluster(seededRandom(seed))
        const ours = ourScheduler(made.cluster, seed)
        const { step, newPod, cluster } = history(made, ours.follower)
        const asked: Pod[] = []
        for (let i = 0; i < stepsPerHistory; i++) {
          steps.push(step())
          asked.push(newPod())
          await compare(ours, asked[i] as Pod, cluster())
          // What is kept from pod to pod and no longer true would show with one that was asked about before.
          await compare(ours, asked[i >> 1] as Pod, cluster())
        }
      }).catch((err: Error) => failures.push(`${err.message} after ${steps.join(', ')}`))
    }
    expect(failures.slice(0, Number(SHOW ?? 3))).toEqual([])
  })
})
