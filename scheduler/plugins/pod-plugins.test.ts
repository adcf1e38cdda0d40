import { describe, expect, test } from 'vitest'
import { node, pod, world } from '../testing.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { podTopologySpread } from './pod-topology-spread.ts'

const zone = 'topology.kubernetes.io/zone'
const inZone = (name: string, value: string) => node({ name, labels: { [zone]: value } })
const app = (value: string) => ({ app: value })
const selecting = (value: string) => ({ matchLabels: app(value) })

describe('topology spread', () => {
  const spread = podTopologySpread(() => 'nothing')
  const evenly = (more: object = {}) => ({
    labels: app('web'),
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule' as const, labelSelector: selecting('web'), ...more },
    ],
  })
  const web = (more: object = {}) => pod({ labels: app('web'), ...more })
  const uneven = "Unschedulable: node(s) didn't match pod topology spread constraints"
  const nodes = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b'), node({ name: 'nowhere' })]

  test('the fuller domain is refused, a node without the label too', () => {
    expect(world(nodes, { a1: [web()] }).filter(spread, pod(evenly()))).toEqual({
      a1: uneven,
      a2: uneven,
      b1: undefined,
      nowhere: "Unresolvable: node(s) didn't match pod topology spread constraints (missing required label)",
    })
  })
  test.each([
    ['other namespaces', web({ namespace: 'other' })],
    ['other labels', pod({ labels: app('db') })],
    ['pods on their way out', web({ deletionTimestamp: '2026-01-01T00:00:00Z' })],
  ])('%s do not count', (_, other) => {
    expect(world(nodes, { a1: [other] }).filter(spread, pod(evenly()))).toMatchObject({ a1: undefined, b1: undefined })
  })
  test('a pod that its own selector does not match does not add to the skew', () => {
    expect(world(nodes, { a1: [web()] }).filter(spread, pod({ ...evenly(), labels: app('other') }))).toMatchObject({
      a1: undefined,
    })
  })
  test('too few domains count as an empty one', () => {
    const both = { a1: [web()], b1: [web()] }
    expect(world(nodes, both).filter(spread, pod(evenly()))).toMatchObject({ a1: undefined, b1: undefined })
    expect(world(nodes, both).filter(spread, pod(evenly({ minDomains: 3 })))).toMatchObject({ a1: uneven, b1: uneven })
  })
  test('only nodes that the affinity allows count, unless it is to be ignored', () => {
    const nodes = [inZone('a1', 'a'), inZone('b1', 'b')]
    const onlyA = { nodeSelector: { [zone]: 'a' } }
    const placed = { a1: [web()] }
    expect(world(nodes, placed).filter(spread, pod({ ...evenly(), ...onlyA }))).toMatchObject({ a1: undefined })
    expect(world(nodes, placed).filter(spread, pod({ ...evenly({ nodeAffinityPolicy: 'Ignore' }), ...onlyA }))).toMatchObject({
      a1: uneven,
    })
  })
  test('tainted nodes count unless taints are to be honoured', () => {
    const nodes = [inZone('a1', 'a'), node({ name: 'b1', labels: { [zone]: 'b' }, taints: [{ key: 'k', effect: 'NoSchedule' }] })]
    const placed = { a1: [web()] }
    expect(world(nodes, placed).filter(spread, pod(evenly()))).toMatchObject({ a1: uneven })
    expect(world(nodes, placed).filter(spread, pod(evenly({ nodeTaintsPolicy: 'Honor' })))).toMatchObject({ a1: undefined })
  })
  test('matchLabelKeys narrow the selector down to the own values', () => {
    const placed = { a1: [pod({ labels: { app: 'web', version: '1' } })] }
    const keyed = evenly({ matchLabelKeys: ['version'] })
    expect(world(nodes, placed).filter(spread, pod({ ...keyed, labels: { app: 'web', version: '2' } }))).toMatchObject({
      a1: undefined,
    })
    expect(world(nodes, placed).filter(spread, pod({ ...keyed, labels: { app: 'web', version: '1' } }))).toMatchObject({
      a1: uneven,
    })
  })
  test('counts follow the cache from one pod to the next', () => {
    const here = world(nodes)
    expect(here.filter(spread, pod(evenly()))).toMatchObject({ a1: undefined })
    here.cache.assume(here.cycleOf(web()).pod, 'a2')
    expect(here.filter(spread, pod(evenly()))).toMatchObject({ a1: uneven, b1: undefined })
    here.cache.setNode(inZone('c1', 'c'))
    here.cache.assume(here.cycleOf(web()).pod, 'b1')
    expect(here.filter(spread, pod(evenly()))).toMatchObject({ a1: uneven, b1: uneven, c1: undefined })
  })

  test('softly: 3 and 1 matching pods in two zones score 25 and 100', () => {
    const nodes = [inZone('a1', 'a'), inZone('b1', 'b'), node({ name: 'nowhere' })]
    const placed = { a1: [web(), web(), web()], b1: [web()] }
    const wish = pod(evenly({ whenUnsatisfiable: 'ScheduleAnyway' }))
    expect(world(nodes, placed).score(spread, wish)).toEqual({ a1: 25, b1: 100, nowhere: 0 })
    // Before that each pod weighs ln 4 = 1.386: 4 and 1.
    const raw = { ...spread, normalize: undefined } as typeof spread
    expect(world(nodes, placed).score(raw, wish)).toEqual({ a1: 4, b1: 1, nowhere: 0 })
  })
  test('without a word the like of a Service or ReplicaSet are spread all the same', () => {
    const byDefault = podTopologySpread(({ labels }) =>
      labels.app === 'web' ? [{ key: 'app', operator: '=', values: ['web'] }] : 'nothing',
    )
    const nodes = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b')]
    const scores = world(nodes, { a1: [web()] }).score(byDefault, web())
    expect(scores?.b1).toBe(100)
    expect(scores?.a2).toBeLessThan(100)
    expect(scores?.a1).toBeLessThan(scores?.a2 ?? 0)
    expect(world(nodes).score(byDefault, pod())).toBeUndefined()
  })
})

describe('affinity between pods', () => {
  const labelsOf = (namespace: string) => (namespace === 'friends' ? { team: 'x' } : {}) as Record<string, string>
  const plugin = interPodAffinity(labelsOf, () => 1)
  const term = (value: string, more: object = {}) => ({ topologyKey: zone, labelSelector: selecting(value), ...more })
  const required = (...terms: object[]) => ({ requiredDuringSchedulingIgnoredDuringExecution: terms as never })
  const preferred = (weight: number, podAffinityTerm: object) => ({
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: podAffinityTerm as never }],
  })
  const near = (...terms: object[]) => ({ affinity: { podAffinity: required(...terms) } })
  const far = (...terms: object[]) => ({ affinity: { podAntiAffinity: required(...terms) } })
  const nodes = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b'), node({ name: 'nowhere' })]
  const notNear = "Unresolvable: node(s) didn't match pod affinity rules"
  const tooNear = "Unschedulable: node(s) didn't match pod anti-affinity rules"
  const notWanted = "Unschedulable: node(s) didn't satisfy existing pods anti-affinity rules"
  const db = (more: object = {}) => pod({ labels: app('db'), ...more })

  test('near a pod, by domain', () => {
    const answer = { a1: undefined, a2: undefined, b1: notNear, nowhere: notNear }
    expect(world(nodes, { a1: [db()] }).filter(plugin, pod(near(term('db'))))).toEqual(answer)
  })
  test('one pod must match all terms', () => {
    const both = near(term('db'), { ...term('db'), labelSelector: { matchLabels: { tier: '1' } } })
    const apart = { a1: [db(), pod({ labels: { tier: '1' } })] }
    const together = { a1: [pod({ labels: { app: 'db', tier: '1' } })] }
    expect(world(nodes, apart).filter(plugin, pod(both))).toMatchObject({ a1: notNear })
    expect(world(nodes, together).filter(plugin, pod(both))).toMatchObject({ a1: undefined, b1: notNear })
  })
  test('the first of its kind may go anywhere that has the label', () => {
    const self = pod({ labels: app('web'), ...near(term('web')) })
    expect(world(nodes).filter(plugin, self)).toEqual({ a1: undefined, a2: undefined, b1: undefined, nowhere: notNear })
    expect(world(nodes, { b1: [pod({ labels: app('web') })] }).filter(plugin, self)).toMatchObject({ a1: notNear, b1: undefined })
    expect(world(nodes).filter(plugin, pod(near(term('web'))))).toMatchObject({ a1: notNear })
  })
  test.each([
    ['the own namespace by default', {}, 'other', notNear],
    ['listed namespaces', { namespaces: ['other'] }, 'other', undefined],
    ['namespaces by label', { namespaceSelector: { matchLabels: { team: 'x' } } }, 'friends', undefined],
    ['namespaces by another label', { namespaceSelector: { matchLabels: { team: 'y' } } }, 'friends', notNear],
    ['all namespaces', { namespaceSelector: {} }, 'other', undefined],
  ])('%s', (_, more, namespace, expected) => {
    expect(world(nodes, { a1: [db({ namespace })] }).filter(plugin, pod(near(term('db', more))))).toMatchObject({ a1: expected })
  })
  test('far from pods; terms count one by one', () => {
    const placed = { a1: [db()] }
    expect(world(nodes, placed).filter(plugin, pod(far(term('db'))))).toEqual({
      a1: tooNear,
      a2: tooNear,
      b1: undefined,
      nowhere: undefined,
    })
    expect(world(nodes, placed).filter(plugin, pod(far(term('db'), term('other'))))).toMatchObject({ a1: tooNear, b1: undefined })
  })
  test('those that are there may not want the newcomer', () => {
    const loner = pod(far(term('web')))
    expect(world(nodes, { a1: [loner] }).filter(plugin, pod({ labels: app('web') }))).toEqual({
      a1: notWanted,
      a2: notWanted,
      b1: undefined,
      nowhere: undefined,
    })
    expect(world(nodes, { a1: [loner] }).filter(plugin, pod({ labels: app('db') }))).toMatchObject({ a1: undefined })
  })
  test('when the loner has gone the place is free again', () => {
    const loner = pod(far(term('web')))
    const here = world(nodes, { a1: [loner] })
    const web = pod({ labels: app('web') })
    expect(here.filter(plugin, web)).toMatchObject({ a2: notWanted })
    here.cache.removePod(loner.metadata.uid)
    expect(here.filter(plugin, web)).toMatchObject({ a2: undefined })
  })
  test('wishes of the newcomer and of those that are there add up', () => {
    const nodes = [inZone('a1', 'a'), inZone('b1', 'b'), inZone('c1', 'c')]
    const wish = { affinity: { podAffinity: preferred(10, term('db')) } }
    expect(world(nodes, { a1: [db(), db()], b1: [db()] }).score(plugin, pod(wish))).toEqual({ a1: 100, b1: 50, c1: 0 })
    const dislike = { affinity: { podAntiAffinity: preferred(10, term('db')) } }
    expect(world(nodes, { a1: [db()] }).score(plugin, pod(dislike))).toEqual({ a1: 0, b1: 100, c1: 100 })
    const fan = pod(near(term('web')))
    expect(world(nodes, { c1: [fan] }).score(plugin, pod({ labels: app('web') }))).toEqual({ a1: 0, b1: 0, c1: 100 })
    expect(world(nodes, { c1: [fan] }).score(plugin, db())).toBeUndefined()
  })
})

describe('topology spread to the letter', () => {
  const uneven = "Unschedulable: node(s) didn't match pod topology spread constraints"
  const missing = "Unresolvable: node(s) didn't match pod topology spread constraints (missing required label)"
  const constraint = (topologyKey: string, more: object = {}) =>
    ({ maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector: selecting('web'), ...more }) as never
  const web = () => pod({ labels: app('web') })

  test('the first constraint that fails decides, be it by label or by skew', () => {
    const nodes = [
      node({ name: 'a', labels: { [zone]: 'a', rack: '1' } }),
      node({ name: 'b', labels: { [zone]: 'b', rack: '2' } }),
      node({ name: 'c', labels: { [zone]: 'a' } }),
    ]
    const plugin = podTopologySpread(() => 'nothing')
    const ask = (...keys: string[]) =>
      world(nodes, { a: [web()] }).filter(
        plugin,
        pod({ labels: app('web'), topologySpreadConstraints: keys.map(key => constraint(key)) }),
      )
    expect(ask(zone, 'rack')).toMatchObject({ c: uneven })
    expect(ask('rack', zone)).toMatchObject({ c: missing })
  })
  test('an empty selector counts nobody, unless labels must equal the own', () => {
    const nodes = [inZone('a', 'a'), inZone('b', 'b')]
    const plugin = podTopologySpread(() => 'nothing')
    const ask = (more: object) =>
      world(nodes, { a: [web()] }).filter(
        plugin,
        pod({ labels: app('web'), topologySpreadConstraints: [constraint(zone, { labelSelector: {}, ...more })] }),
      )
    expect(ask({})).toEqual({ a: undefined, b: undefined })
    expect(ask({ matchLabelKeys: ['app'] })).toEqual({ a: uneven, b: undefined })
  })
  test('defaults of a profile hold for pods that something selects, and only for those without constraints', () => {
    const nodes = [inZone('a', 'a'), inZone('b', 'b')]
    const selector = [{ key: 'app', operator: '=' as const, values: ['web'] }]
    const plugin = podTopologySpread(({ labels }) => (labels.app ? selector : 'nothing'), {
      defaultingType: 'List',
      defaultConstraints: [constraint(zone, { labelSelector: undefined })],
    })
    const here = world(nodes, { a: [web()] })
    expect(here.filter(plugin, web())).toEqual({ a: uneven, b: undefined })
    expect(here.filter(plugin, pod())).toEqual({ a: undefined, b: undefined })
    const own = [constraint('kubernetes.io/hostname', { maxSkew: 5 })]
    expect(here.filter(plugin, pod({ labels: app('web'), topologySpreadConstraints: own }))).toEqual({
      a: undefined,
      b: undefined,
    })
  })
})
