import { describe, expect, test } from 'vitest'
import type { DaemonSet } from '../../api/apps/daemon-set.ts'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { timestamp } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { nodeWith, podWith } from '../shared/test-objects.ts'
import { failureBackoff } from './failures.ts'
import { limitsOf } from './limits.ts'
import { type Picture, pictureOf } from './nodes.ts'
import { placementOf, specFor, targetNode, tolerationsOf } from './placement.ts'
import { manage, type Steps } from './plan.ts'
import { planUpdate } from './rolling.ts'
import { statusOf } from './status.ts'

const now = Date.UTC(2026, 0, 1, 1)

type Share = number | string
interface Wishes {
  unavailable?: Share
  surge?: Share
  type?: string
  minReadySeconds?: number
  annotations?: Record<string, string>
  spec?: object
}

function setWith({ unavailable = 1, surge = 0, type = 'RollingUpdate', spec, annotations, ...rest }: Wishes = {}): DaemonSet {
  return {
    metadata: { name: 'agent', namespace: 'default', uid: 'uid-agent', generation: 3, annotations },
    spec: {
      ...rest,
      template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [], ...spec } },
      updateStrategy: type === 'OnDelete' ? { type } : { type, rollingUpdate: { maxUnavailable: unavailable, maxSurge: surge } },
    },
    status: {},
  } as unknown as DaemonSet
}

/**
 * A cluster in a few letters: `a:n` is node a with a pod of the new template, ready; `o` an old one; a node may have several: `a:no`.
 * A capital letter is a pod that is not ready. `f` has failed, `s` succeeded, `t` was told to end, `y` is new and ready for 5 seconds.
 * `b` alone is a node without pods, `c!:o` one with a NoSchedule taint, `c!!:o` one with a NoExecute taint, `?d:o` a node that is gone.
 */
function pictureWith(text: string, wishes: Wishes = {}): Picture {
  const nodes: Node[] = []
  const pods: Pod[] = []
  for (const word of text.split(' ').filter(Boolean)) {
    const [spot = '', letters = ''] = word.split(':')
    const name = spot.replace(/[?!]/g, '')
    const effect = spot.endsWith('!!') ? 'NoExecute' : 'NoSchedule'
    const taints = spot.includes('!') ? [{ key: 'k', effect }] : []
    if (!spot.startsWith('?')) nodes.push(nodeWith({ metadata: { name }, spec: { taints } } as never))
    for (const [index, letter] of [...letters].entries()) pods.push(podLike(name, letter, index, spot.startsWith('?')))
  }
  return pictureOf(setWith(wishes), 'new', nodes, pods, now)
}

function podLike(node: string, letter: string, index: number, isUnbound: boolean): Pod {
  const kind = letter.toLowerCase()
  const phase = kind === 'f' ? 'Failed' : kind === 's' ? 'Succeeded' : 'Running'
  const isReady = letter === kind && phase === 'Running'
  const since = timestamp(now - (kind === 'y' ? 5_000 : 600_000))
  return podWith({
    metadata: {
      name: `${node}-${letter}${index}`,
      creationTimestamp: timestamp(now - 600_000 + index * 1000),
      labels: { app: 'agent', 'controller-revision-hash': kind === 'n' || kind === 'y' ? 'new' : 'old' },
      ...(kind === 't' && { deletionTimestamp: timestamp(now) }),
    },
    spec: isUnbound ? specFor({ containers: [] } as never, node) : { nodeName: node },
    status: { phase, conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: since }] },
  } as never)
}

const told = ({ create, remove }: Steps) =>
  [...create.map(node => `+${node}`), ...remove.map(({ pod, rule }) => `-${pod.metadata.name} ${rule}`)].join(', ')
const managed = (picture: Picture) => told(manage(picture, () => 0))

describe('every node gets what it should', () => {
  test.each([
    ['a b c', '+a, +b, +c', 'a pod each'],
    ['a:n b', '+b', 'where there is none'],
    ['a:t', '', 'none beside one that ends'],
    ['a:O', '', 'one that is not ready is one'],
    ['a! b', '+b', 'a NoSchedule taint keeps new ones away'],
    ['a!:n', '', 'and lets old ones stay'],
    ['a!!:n b!!', '-a-n0 misplaced', 'a NoExecute taint does not'],
    ['a!!:t', '', 'what ends already is let be'],
    ['a:non', '-a-o1 excess, -a-n2 excess', 'of several the oldest stays'],
    ['a:tn', '', 'one that ends is not one too many'],
    ['a:f', '-a-f0 failed', 'one that failed goes, its replacement comes later'],
    ['a:s', '-a-s0 succeeded', 'so does one that ended well'],
    ['a:fn', '-a-f0 failed', 'also beside a good one'],
    ['a:ff', '-a-f0 failed', 'one failed pod at a time'],
    ['?a:n b:n', '-a-n0 misplaced', 'a pod that waits for a node that is gone'],
    ['?a:t', '', 'unless it goes already'],
  ])('%s: %s (%s)', (text, expected) => {
    expect(managed(pictureWith(text))).toBe(expected)
  })

  test.each([
    ['a:on', '', 'old ready, new available: the old one goes', '-a-o0 excess'],
    ['a:oN', '', 'the new one not yet available: both stay', ''],
    ['a:ON', '', 'neither ready: only the new one stays', '-a-O0 excess'],
    ['a:On', '', 'only the new one ready', '-a-O0 excess'],
    ['a:ooNN', '', 'one of each stays', '-a-o1 excess, -a-N3 excess'],
    ['a:t', '', 'a surging set has one that does not end on every node', '+a'],
    ['a:oy', 'min', 'the new one ready, not long enough', ''],
  ])('with surge, %s %s (%s)', (text, minimum, _, expected) => {
    const minReadySeconds = minimum ? 10 : 0
    expect(managed(pictureWith(text, { surge: 1, unavailable: 0, minReadySeconds }))).toBe(expected)
  })

  test('a pod that was bound to a node that is gone is left to the pod garbage collector', () => {
    const picture = pictureOf(setWith(), 'new', [], [podLike('a', 'n', 0, false)], now)
    expect(managed(picture)).toBe('')
  })

  test('a failed pod that has to wait says for how long', () => {
    expect(manage(pictureWith('a:f b:f c'), node => (node === 'a' ? 4_000 : 0))).toMatchObject({
      create: ['c'],
      remove: [{ node: 'b' }],
      retryInMs: 4_000,
    })
  })

  test('a pod that has ended and is on its way out counts as gone', () => {
    const gone = { ...podLike('a', 'f', 0, false) }
    gone.metadata = { ...gone.metadata, deletionTimestamp: timestamp(now) }
    expect(managed(pictureOf(setWith(), 'new', [nodeWith({ metadata: { name: 'a' } })], [gone], now))).toBe('+a')
  })
})

describe('a rolling update', () => {
  test.each<[string, Wishes, string, string]>([
    ['a:o b:o c:o', {}, '-a-o0 update', 'one node at a time'],
    ['a:o b:o c:o', { unavailable: 2 }, '-a-o0 update, -b-o0 update', 'or as many as may be missing'],
    ['a:o b:o c:o d:o', { unavailable: '50%' }, '-a-o0 update, -b-o0 update', 'in percent'],
    ['a:o b:o c:o d:o', { unavailable: '30%' }, '-a-o0 update, -b-o0 update', 'rounded up'],
    ['a:N b:o', {}, '', 'a new pod that does not serve is counted'],
    ['a b:o', {}, '', 'so is a node without a pod'],
    ['a:t b:o', {}, '', 'and one whose pod ends'],
    ['a:O b:O c:o', {}, '-a-O0 update, -b-O0 update', 'old ones that do not serve go without a budget'],
    ['a:O b:o c:o', { unavailable: 2 }, '-a-O0 update, -b-o0 update', 'and take from it'],
    ['a:no b:o', {}, '', 'a node with both is dealt with first'],
    ['a:n b:n', {}, '', 'nothing is left'],
    ['a:y b:o', { minReadySeconds: 10 }, '', 'minReadySeconds counts'],
    ['a:y b:o', { minReadySeconds: 5 }, '-b-o0 update', 'until it is over'],
    ['a:o b:o', { unavailable: 0, surge: 0 }, '-a-o0 update', 'a limit of nothing is one'],
    ['a!:o b:n', {}, '-a-o0 update', 'nodes that should not run it are updated as well'],
  ])('%s with %o: %s (%s)', (text, wishes, expected) => {
    expect(told(planUpdate(pictureWith(text, wishes)))).toBe(expected)
  })

  test.each<[string, Wishes, string, string]>([
    ['a:o b:o c:o', {}, '+a', 'a new one comes beside an old one'],
    ['a:o b:o c:o', { surge: 2 }, '+a, +b', 'on so many nodes'],
    ['a:o b:o c:o d:o', { surge: '30%' }, '+a, +b', 'in percent, rounded up'],
    ['a:oN b:o', {}, '', 'and is waited for'],
    ['a:on b:o', {}, '+b, -a-o0 update', 'then the old one goes'],
    ['a:O b:O c:o', {}, '+a, +b, +c', 'nodes whose old pod does not serve need no budget'],
    ['a:oo b:o', {}, '', 'a node with too many counts as surging'],
    ['a!:O b:n', {}, '-a-O0 update', 'where it should not run, an old one that does not serve goes'],
    ['a!:o b:n', {}, '-a-o0 update', 'and one that serves, when as many serve as there are nodes'],
    ['a!:o b:N', {}, '', 'not before'],
    ['a:n b:n', {}, '', 'nothing is left'],
  ])('with surge, %s with %o: %s (%s)', (text, wishes, expected) => {
    expect(told(planUpdate(pictureWith(text, { surge: 1, unavailable: 0, ...wishes })))).toBe(expected)
  })

  test("a pod that carries the template's number instead of its hash is of the present template", () => {
    const annotations = { 'deprecated.daemonset.template.generation': '4' }
    const picture = pictureWith('a:o', { annotations })
    const [place] = picture.places
    const labels = { 'pod-template-generation': '4' }
    const pods = (place?.pods ?? []).map(pod => ({ ...pod, metadata: { ...pod.metadata, labels } })) as Pod[]
    expect(told(planUpdate({ ...picture, places: [{ ...place!, pods }] }))).toBe('')
  })
})

test.each([
  ['10%', 0, 15, { unavailable: 2, surge: 0 }],
  ['10%', 0, 0, { unavailable: 0, surge: 0 }],
  ['100%', 0, 7, { unavailable: 7, surge: 0 }],
  [3, 0, 2, { unavailable: 3, surge: 0 }],
  [0, '10%', 15, { unavailable: 0, surge: 2 }],
  [0, 0, 15, { unavailable: 1, surge: 0 }],
  [0, 0, 0, { unavailable: 0, surge: 0 }],
])('maxUnavailable %s and maxSurge %s of %i nodes', (unavailable, surge, desired, expected) => {
  expect(limitsOf(setWith({ unavailable, surge }), desired)).toEqual(expected)
})

describe('which nodes', () => {
  const gpu = { nodeSelector: { gpu: 'yes' } }
  const term = (key: string) => ({ matchExpressions: [{ key, operator: 'Exists' }] })
  const affinity = (...keys: string[]) => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: keys.map(term) } } },
  })
  const taint = (key: string, effect = 'NoSchedule') => ({ taints: [{ key, effect }] })
  const [run, stay, neither] = ['run', 'stay', 'neither']
  test.each<[string, object, object, string]>([
    ['any', {}, {}, run],
    ['the named one', { nodeName: 'node-1' }, {}, run],
    ['not another than the named one', { nodeName: 'other' }, {}, neither],
    ['with the label', gpu, { labels: { gpu: 'yes' } }, run],
    ['not without the label', gpu, {}, neither],
    ['that match a term of the affinity', affinity('disk', 'gpu'), { labels: { gpu: '1' } }, run],
    ['not those that match none', affinity('disk'), { labels: { gpu: '1' } }, neither],
    ['with a taint that is tolerated', { tolerations: [{ key: 'k', operator: 'Exists' }] }, taint('k'), run],
    ['with a NoSchedule taint: only what is there', {}, taint('k'), stay],
    ['not with a NoExecute taint', {}, taint('k', 'NoExecute'), neither],
    ['with a PreferNoSchedule taint', {}, taint('k', 'PreferNoSchedule'), run],
    ['that are not ready', {}, taint('node.kubernetes.io/not-ready', 'NoExecute'), run],
    ['that are not ready and so not for new pods of others', {}, taint('node.kubernetes.io/not-ready'), stay],
    ['that are unreachable', {}, taint('node.kubernetes.io/unreachable', 'NoExecute'), run],
    ['that are short of memory', {}, taint('node.kubernetes.io/memory-pressure'), run],
    ['that are short of disk', {}, taint('node.kubernetes.io/disk-pressure'), run],
    ['that are short of processes', {}, taint('node.kubernetes.io/pid-pressure'), run],
    ['that are cordoned', {}, taint('node.kubernetes.io/unschedulable'), run],
    ['without a network', {}, taint('node.kubernetes.io/network-unavailable'), stay],
    ['without a network, if it needs none', { hostNetwork: true }, taint('node.kubernetes.io/network-unavailable'), run],
  ])('%s', (_, spec, { labels, taints }: { labels?: object; taints?: object }, expected) => {
    const node = nodeWith({ metadata: { ...(labels && { labels }) }, spec: { ...(taints && { taints }) } } as never)
    const { shouldRun, mayStay } = placementOf(setWith({ spec }))(node)
    expect(shouldRun ? run : mayStay ? stay : neither).toBe(expected)
  })
})

describe('the pod of a node', () => {
  const selects = (node: string) => ({
    nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
  })

  test('can be bound to that node only; preferred terms and other affinities stay', () => {
    const preferred = [{ weight: 1, preference: { matchExpressions: [{ key: 'a', operator: 'Exists' as const }] } }]
    const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [] }
    const nodeAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [] }] },
      preferredDuringSchedulingIgnoredDuringExecution: preferred,
    }
    const spec = specFor({ containers: [], affinity: { nodeAffinity, podAntiAffinity }, nodeSelector: { a: 'b' } } as never, 'n1')
    expect(spec.affinity).toEqual({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: selects('n1'),
        preferredDuringSchedulingIgnoredDuringExecution: preferred,
      },
      podAntiAffinity,
    })
    expect(spec.nodeSelector).toEqual({ a: 'b' })
    expect(specFor({ containers: [] } as never, 'n1').affinity).toEqual({
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: selects('n1') },
    })
  })

  test('tolerates troubles of its node for ever, beside what the template tolerates', () => {
    const mine = { key: 'k', operator: 'Exists' as const }
    const limited = { key: 'node.kubernetes.io/not-ready', operator: 'Exists' as const, effect: 'NoExecute' as const }
    const tolerations = tolerationsOf({ tolerations: [mine, { ...limited, tolerationSeconds: 300 }] } as never)
    expect(tolerations).toEqual([
      mine,
      limited,
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
      ...['disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'].map(what => ({
        key: `node.kubernetes.io/${what}`,
        operator: 'Exists',
        effect: 'NoSchedule',
      })),
    ])
    expect(tolerationsOf({ hostNetwork: true } as never).map(({ key }) => key)).toContain(
      'node.kubernetes.io/network-unavailable',
    )
  })

  test.each<[string, object, string | undefined]>([
    ['that it is bound to', { nodeName: 'a', ...specFor({} as never, 'b') }, 'a'],
    ['that it is for', specFor({} as never, 'b'), 'b'],
    ['none', {}, undefined],
    [
      'none of two',
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a', 'b'] }] }],
            },
          },
        },
      },
      undefined,
    ],
  ])('its node is the one %s', (_, spec, expected) => {
    expect(targetNode({ spec } as Pod)).toBe(expected)
  })
})

describe('status', () => {
  test.each<[string, Wishes, object]>([
    [
      'a:n b:O c d!:o e!',
      {},
      {
        desiredNumberScheduled: 3,
        currentNumberScheduled: 2,
        numberMisscheduled: 1,
        numberReady: 1,
        updatedNumberScheduled: 1,
        numberAvailable: 1,
        numberUnavailable: 2,
      },
    ],
    ['a:on', {}, { desiredNumberScheduled: 1, numberReady: 1, updatedNumberScheduled: undefined }],
    ['a:y', { minReadySeconds: 10 }, { numberReady: 1, numberAvailable: undefined, numberUnavailable: 1 }],
  ])('of %s', (text, wishes, expected) => {
    expect(statusOf(pictureWith(text, wishes))).toMatchObject({ observedGeneration: 3, ...expected })
  })
})

test('failed pods of a node go after 1 s, doubling up to 15 min, and start over after half an hour', () => {
  const failures = failureBackoff()
  expect(failures.patience('a', 0)).toBe(0)
  let at = 0
  const delays: number[] = []
  for (let i = 0; i < 12; i++) {
    failures.count('a', at)
    delays.push(failures.patience('a', at) / 1000)
    at += failures.patience('a', at)
    expect(failures.patience('a', at)).toBe(0)
  }
  expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
  expect(failures.patience('b', at)).toBe(0)
  failures.count('a', at + 31 * 60_000)
  expect(failures.patience('a', at + 31 * 60_000)).toBe(1000)
})

test('from any nodes and pods whatever, every node comes to have one pod of the new template', () => {
  const random = seededRandom(11)
  const letters = 'nooOONNfst'
  for (let round = 0; round < 300; round++) {
    const wishes = random.below(2) ? { unavailable: 1 + random.below(3) } : { surge: 1 + random.below(3), unavailable: 0 }
    const nodes = Array.from(
      { length: 1 + random.below(5) },
      (_, index) => `${'abcde'[index]}${['', '', '!', '!!'][random.below(4)]}`,
    )
    const pods = new Map(
      nodes.map(node => [node, Array.from({ length: random.below(3) }, () => letters[random.below(10)]).join('')]),
    )
    let rounds = 0
    for (let isBusy = true; isBusy; ) {
      if (++rounds > 100) throw new Error(`round ${round} does not come to rest: ${JSON.stringify([...pods])}`)
      const picture = pictureWith([...pods].map(([node, letters]) => `${node}:${letters}`).join(' '), wishes)
      const management = manage(picture, () => 0)
      const isSettled = management.create.length + management.remove.length === 0
      const steps = isSettled ? planUpdate(picture) : management
      isBusy = steps.create.length + steps.remove.length > 0
      const leaving = new Set(steps.remove.map(({ pod }) => pod.metadata.name))
      for (const [node, own] of pods) {
        const name = node.replace(/!/g, '')
        // What a kubelet does meanwhile: pods that end are gone, new ones become ready.
        const left = [...own].filter((letter, index) => letter !== 't' && !leaving.has(`${name}-${letter}${index}`))
        const next = left.map(letter => (letter === 'N' ? 'n' : letter)).join('') + (steps.create.includes(name) ? 'N' : '')
        if (next !== own) isBusy = true
        pods.set(node, next)
      }
    }
    for (const [node, own] of pods) {
      if (!node.includes('!')) expect(own).toBe('n')
      else if (node.endsWith('!!')) expect(own).toBe('')
      else expect(own).toMatch(/^[no]?$/)
    }
  }
})
