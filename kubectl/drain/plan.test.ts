import { expect, test } from 'vitest'
import { type DrainPod, type DrainRules, planDrain } from './plan.ts'

const rules: DrainRules = { force: false, ignoreDaemonSets: false, deleteEmptyDirData: false, daemonSetExists: () => true }

interface Sketch {
  owner?: string
  annotations?: Record<string, string>
  emptyDir?: boolean
  phase?: string
}

const pod = (name: string, { owner, annotations, emptyDir, phase = 'Running' }: Sketch = {}): DrainPod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'ns',
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '',
    ...(annotations && { annotations }),
    ...(owner && { ownerReferences: [{ apiVersion: 'apps/v1', kind: owner, name: 'o', uid: 'o', controller: true }] }),
  },
  spec: { volumes: emptyDir ? [{ emptyDir: {} }] : [] },
  status: { phase },
})

const naked = 'cannot delete Pods that declare no controller (use --force to override): ns/p'
const local = 'cannot delete Pods with local storage (use --delete-emptydir-data to override): ns/p'
const daemon = 'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ns/p'
const lost = 'cannot delete daemonsets.apps "o" not found: ns/p'

test.each<[string, Sketch, Partial<DrainRules>, { goes: boolean; obstacle?: string; warning?: string }]>([
  ['a pod of a ReplicaSet', { owner: 'ReplicaSet' }, {}, { goes: true }],
  ['a pod of nobody', {}, {}, { goes: false, obstacle: naked }],
  ['a pod of nobody, by force', {}, { force: true }, { goes: true, warning: 'deleting Pods that declare no controller: ns/p' }],
  ['a finished pod of nobody', { phase: 'Succeeded' }, {}, { goes: true }],
  ['a pod with an emptyDir', { owner: 'ReplicaSet', emptyDir: true }, {}, { goes: false, obstacle: local }],
  ['a pod with an emptyDir that may go', { owner: 'ReplicaSet', emptyDir: true }, { deleteEmptyDirData: true }, { goes: true }],
  ['a finished pod with an emptyDir', { emptyDir: true, phase: 'Failed' }, {}, { goes: true }],
  ['a pod of nobody with an emptyDir, by force', { emptyDir: true }, { force: true }, { goes: false, obstacle: local }],
  ["a DaemonSet's", { owner: 'DaemonSet' }, { force: true }, { goes: false, obstacle: daemon }],
  [
    "a DaemonSet's, ignored",
    { owner: 'DaemonSet' },
    { ignoreDaemonSets: true },
    { goes: false, warning: 'ignoring DaemonSet-managed Pods: ns/p' },
  ],
  ["a lost DaemonSet's", { owner: 'DaemonSet' }, { daemonSetExists: () => false }, { goes: false, obstacle: lost }],
  [
    "a lost DaemonSet's, by force",
    { owner: 'DaemonSet' },
    { daemonSetExists: () => false, force: true },
    { goes: true, warning: 'daemonsets.apps "o" not found: ns/p' },
  ],
  ["a finished DaemonSet's", { owner: 'DaemonSet', phase: 'Failed' }, {}, { goes: true }],
  ["the kubelet's own", { annotations: { 'kubernetes.io/config.mirror': 'x' } }, {}, { goes: false }],
])('%s', (_, sketch, more, { goes, obstacle, warning }) => {
  const { evict, obstacles, warnings } = planDrain([pod('p', sketch)], { ...rules, ...more })
  expect({ goes: evict.length === 1, obstacles, warnings }).toEqual({
    goes,
    obstacles: obstacle ? [obstacle] : [],
    warnings: warning ? [warning] : [],
  })
})

test('what stands against it is told once for all pods', () => {
  const { obstacles } = planDrain([pod('a'), pod('b', { owner: 'ReplicaSet' }), pod('c')], rules)
  expect(obstacles).toEqual(['cannot delete Pods that declare no controller (use --force to override): ns/a, ns/c'])
})
