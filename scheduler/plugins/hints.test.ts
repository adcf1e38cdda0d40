import { describe, expect, test } from 'vitest'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Plugin } from '../framework.ts'
import { podInfo } from '../pod-info.ts'
import { node, pod } from '../testing.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { nodePorts } from './node-ports.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { podTopologySpread } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'

/** Whether a plugin that refused a pod wants it tried again after a change; absent sides say that something came or went. */
function isWoken(plugin: Plugin<never, never>, waiting: Pod, before: Pod | undefined, after: Pod | undefined): boolean {
  const action = !before ? 'add' : !after ? 'delete' : 'update'
  const change = { action, before: before && podInfo(before), after: after && podInfo(after) } as const
  return plugin.wakes?.assignedPod?.(podInfo(waiting), change) ?? false
}
function isWokenByNode(plugin: Plugin<never, never>, waiting: Pod, before: Node | undefined, after: Node | undefined): boolean {
  const action = !before ? 'add' : !after ? 'delete' : 'update'
  return plugin.wakes?.node?.(podInfo(waiting), { action, before, after }) ?? false
}
const zone = 'topology.kubernetes.io/zone'
const inZone = (value: string, more: object = {}) => node({ labels: { [zone]: value }, ...more })
const placed = (labels: Record<string, string>, more: object = {}) => pod({ labels, nodeName: 'n', ...more })
const [web, db] = [{ app: 'web' }, { app: 'db' }]
const leaving = { deletionTimestamp: '2026-01-01T00:00:00Z' }

describe('inter-pod affinity', () => {
  const plugin = interPodAffinity(
    () => ({}),
    () => 1,
  ) as Plugin<never, never>
  const terms = [{ topologyKey: zone, labelSelector: { matchLabels: web } }]
  const near = pod({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } })
  const far = pod({ labels: web, affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } })
  test.each<[string, Pod, Pod | undefined, Pod | undefined, boolean]>([
    ['who it wants to be near comes', near, undefined, placed(web), true],
    ['somebody else comes', near, undefined, placed(db), false],
    ['who it wants to be near goes', near, placed(web), undefined, false],
    ['somebody becomes who it wants to be near', near, placed(db), placed(web), true],
    ['who it wants to be far from comes', far, undefined, placed(web), false],
    ['who it wants to be far from goes', far, placed(web), undefined, true],
    ['who it wants to be far from becomes somebody else', far, placed(web), placed(db), true],
    ['who wants to be far from it goes', pod({ labels: web }), placed(db, { affinity: far.spec.affinity }), undefined, true],
    ['who has nothing to do with it goes', pod({ labels: db }), placed(db, { affinity: far.spec.affinity }), undefined, false],
  ])('%s', (_, waiting, before, after, expected) => expect(isWoken(plugin, waiting, before, after)).toBe(expected))
  test.each<[string, Pod, Node | undefined, Node | undefined, boolean]>([
    ['near: a node with the label comes', near, undefined, inZone('1'), true],
    ['near: a node without the label comes', near, undefined, node(), false],
    ['near: a node moves', near, inZone('1'), inZone('2'), true],
    ['near: a node loses the label', near, inZone('1'), node(), false],
    ['far: any node comes', far, undefined, node(), true],
    ['far: a node changes its taints only', far, inZone('1', { name: 'x' }), inZone('1', { name: 'x', taints: [] }), false],
    ['a node goes', far, inZone('1'), undefined, false],
  ])('%s', (_, waiting, before, after, expected) => expect(isWokenByNode(plugin, waiting, before, after)).toBe(expected))
})

describe('topology spread', () => {
  const plugin = podTopologySpread(() => 'nothing') as Plugin<never, never>
  const spread = (more: object = {}) =>
    pod({
      labels: web,
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: web }, ...more },
      ],
    })
  test.each<[string, Pod | undefined, Pod | undefined, boolean]>([
    ['a pod that counts comes', undefined, placed(web), true],
    ['a pod that does not count comes', undefined, placed(db), false],
    ['a pod that counts goes', placed(web), undefined, true],
    ['a pod of another namespace goes', placed(web, { namespace: 'other' }), undefined, false],
    ['a pod begins to count', placed(db), placed(web), true],
    ['a pod begins to leave', placed(web), placed(web, leaving), true],
    ['a pod changes in other ways', placed(web), placed(web, { cpu: '1' }), false],
  ])('%s', (_, before, after, expected) => expect(isWoken(plugin, spread(), before, after)).toBe(expected))
  test.each<[string, Node | undefined, Node | undefined, boolean]>([
    ['a node with the label comes', undefined, inZone('1'), true],
    ['a node without it comes', undefined, node(), false],
    ['a node with the label goes', inZone('1'), undefined, true],
    ['a node moves', inZone('1'), inZone('2'), true],
    ['a node gets the label', node(), inZone('1'), true],
    ['its taints change', inZone('1', { taints: [{ key: 'k', effect: 'NoSchedule' }] }), inZone('1'), true],
    ['its room changes', inZone('1', { cpu: '1' }), inZone('1', { cpu: '2' }), false],
  ])('%s', (_, before, after, expected) => expect(isWokenByNode(plugin, spread(), before, after)).toBe(expected))
  test('a new toleration helps where taints are honoured', () => {
    const change = (more: object) => {
      const before = podInfo(spread(more))
      const after = podInfo({ ...before.pod, spec: { ...before.pod.spec, tolerations: [{ operator: 'Exists' }] } })
      return plugin.wakes?.self?.(after, { action: 'update', before, after })
    }
    expect([change({ nodeTaintsPolicy: 'Honor' }), change({})]).toEqual([true, false])
  })
})

test('a new toleration helps against taints, other changes do not', () => {
  const before = podInfo(pod())
  const tolerating = podInfo({ ...before.pod, spec: { ...before.pod.spec, tolerations: [{ operator: 'Exists' }] } })
  expect(taintToleration.wakes?.self?.(before, { action: 'update', before, after: tolerating })).toBe(true)
  expect(taintToleration.wakes?.self?.(before, { action: 'update', before, after: before })).toBe(false)
})
test('somebody who shrinks helps only in what the pod asks for', () => {
  const plugin = nodeResourcesFit() as Plugin<never, never>
  const waiting = pod({ memory: '1Gi' })
  expect(isWoken(plugin, waiting, placed({}, { cpu: '2', memory: '2Gi' }), placed({}, { cpu: '1', memory: '2Gi' }))).toBe(false)
  expect(isWoken(plugin, waiting, placed({}, { memory: '2Gi' }), placed({}, { memory: '1Gi' }))).toBe(true)
})
test('a port becomes free when the pod that has it goes', () => {
  const using = (hostPort: number) => ({ containers: [{ name: 'm', image: 'x', ports: [{ containerPort: 80, hostPort }] }] })
  const plugin = nodePorts as Plugin<never, never>
  expect(isWoken(plugin, pod(using(80)), placed({}, using(80)), undefined)).toBe(true)
  expect(isWoken(plugin, pod(using(80)), placed({}, using(81)), undefined)).toBe(false)
  expect(isWokenByNode(plugin, pod(using(80)), undefined, node())).toBe(true)
  expect(isWokenByNode(plugin, pod(using(80)), node(), node())).toBe(false)
})
