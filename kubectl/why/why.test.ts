import { describe, expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import type { Note } from '../../api/journal.ts'
import { noColours } from '../print/colour.ts'
import { lastVerdict, type WhyStep } from './steps.ts'
import { endingText, storyText, verdictText } from './story.ts'

const nameOf = ({ group, resource, name }: { group: string; resource: string; name: string }) =>
  `${resource.replace(/s$/, '')}${group && `.${group}`}/${name}`
const tell = (steps: WhyStep[]) => storyText(steps, { colours: noColours, nameOf })

interface Said {
  readonly verb?: string
  readonly group?: string
  readonly subresource?: string
  readonly actor?: string
  readonly because?: number
  readonly note?: Note
}

function step(revision: number, elapsedInMs: number, resource: string, name: string, said: Said = {}): WhyStep {
  const { verb = 'create', group = '', subresource, actor, because, note } = said
  return {
    revision,
    elapsedInMs,
    time: 1000 + elapsedInMs,
    verb,
    group,
    resource,
    name,
    namespace: 'default',
    user: 'ada',
    ...(subresource && { subresource }),
    ...(actor && { cause: { actor, ...(note && { note }) } }),
    ...(because !== undefined && { because }),
  }
}

const apps = { group: 'apps' }
const story = [
  step(5, 0, 'deployments', 'web', apps),
  step(6, 12, 'replicasets', 'web-1', {
    ...apps,
    actor: 'deployment-controller',
    because: 5,
    note: { rule: 'deployment/new-set', text: 'no set has the present template' },
  }),
  step(8, 30, 'pods', 'web-1-a', { actor: 'replicaset-controller', because: 6 }),
  step(9, 41, 'pods', 'web-1-a', { actor: 'scheduler', subresource: 'binding', because: 8 }),
  step(11, 1250, 'pods', 'web-1-a', { actor: 'kubelet', verb: 'patch', subresource: 'status', because: 9 }),
]

test('each write to another object is one step further in', () => {
  expect(tell(story)).toBe(
    [
      '   0 ms  ada creates deployment.apps/web @5',
      '  12 ms  └─ deployment-controller creates replicaset.apps/web-1 @6  deployment/new-set: no set has the present template',
      '  30 ms     └─ replicaset-controller creates pod/web-1-a @8',
      '  41 ms     └─ scheduler binds pod/web-1-a @9',
      '1250 ms     └─ kubelet patches pod/web-1-a (status) @11',
      '',
    ].join('\n'),
  )
})

test('a step without a known cause stands with the earlier ones of its object', () => {
  const late = step(20, 150_000, 'pods', 'web-1-a', { verb: 'delete' })
  expect(
    tell([...story, late])
      .split('\n')
      .at(-2),
  ).toBe('  2m30s     └─ ada deletes pod/web-1-a @20')
})

test('of many steps of one sort the first and the last are told', () => {
  const beats = [1, 2, 3, 4].map(i =>
    step(i, i * 10_000, 'nodes', 'n1', { actor: 'kubelet', verb: 'patch', subresource: 'status' }),
  )
  const other = step(9, 60_000, 'nodes', 'n1', { actor: 'kubelet', verb: 'patch' })
  expect(tell([...beats, other])).toBe(
    [
      '10.0 s  kubelet patches node/n1 (status) @1',
      '        ... 2 more of these',
      '40.0 s  kubelet patches node/n1 (status) @4',
      '60.0 s  kubelet patches node/n1 @9',
      '',
    ].join('\n'),
  )
})

describe('the verdict', () => {
  const refused = (text: string): Note => ({
    rule: 'scheduler/unschedulable',
    text,
    data: {
      nodes: [
        { count: 4, nodes: ['a', 'b'], reason: 'Insufficient cpu', plugin: 'NodeResourcesFit' },
        { count: 1, nodes: ['c'], reason: 'node(s) had untolerated taint', plugin: 'TaintToleration' },
      ],
      fits: ['500m cpu more on a'],
    },
  })
  const refusal = (revision: number, text = '0/5 nodes') =>
    step(revision, revision, 'pods', 'big', { actor: 'scheduler', verb: 'patch', subresource: 'status', note: refused(text) })

  test('is the newest one, and none once there is a node', () => {
    expect(lastVerdict([refusal(1, 'then'), refusal(2, 'now')])?.text).toBe('now')
    expect(lastVerdict([refusal(1), step(2, 2, 'pods', 'big', { subresource: 'binding' })])).toBeUndefined()
    expect(lastVerdict(story)).toBeUndefined()
  })

  test('names nodes by what they lack, and what would help', () => {
    const verdict = lastVerdict([refusal(1)])
    expect(verdict && verdictText(verdict, { colours: noColours })).toBe(
      [
        'No node takes it:',
        '  4 nodes   Insufficient cpu                NodeResourcesFit   a, b, ...',
        '  1 node    node(s) had untolerated taint   TaintToleration    c',
        'It would fit with one of these:',
        '  500m cpu more on a',
        '',
      ].join('\n'),
    )
  })

  test('of a note without figures is its text', () => {
    const bare = step(1, 1, 'pods', 'big', { actor: 'scheduler', note: { rule: 'scheduler/unschedulable', text: '0/5 nodes' } })
    const verdict = lastVerdict([bare])
    expect(verdict && verdictText(verdict, { colours: noColours })).toBe('No node takes it:\n  0/5 nodes\n')
  })
})

test('a pod that has failed names the containers that did', () => {
  const ended = (name: string, exitCode: number, reason: string, message?: string) => ({
    name,
    state: { terminated: { exitCode, reason, ...(message && { message }) } },
  })
  const pod = (status: object) => ({ status }) as Pod
  const containerStatuses = [ended('a', 4, 'Error', 'no database\n'), ended('b', 0, 'Completed'), ended('c', 137, 'OOMKilled')]
  expect(endingText(pod({ phase: 'Failed', containerStatuses }))).toBe(
    'It is Failed.\n  container a ended with exit code 4: no database\n  container c ended with exit code 137 (OOMKilled)\n',
  )
  expect(endingText(pod({ phase: 'Failed', reason: 'Evicted', message: 'too much disk. ' }))).toBe(
    'It is Failed (Evicted): too much disk.\n',
  )
  expect(endingText(pod({ phase: 'Succeeded', containerStatuses: [ended('b', 0, 'Completed')] }))).toBe('It is Succeeded.\n')
})
