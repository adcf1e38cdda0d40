import { expect, test } from 'vitest'
import { longestWaitInMs, type NodeView, type Plan, planVolume, type Situation } from './plan.ts'

const quiet: NodeView = { isHealthy: true, isOutOfService: false, isInUse: false, isReported: false }
const minute = 60_000

interface Case {
  what: string
  wantedBy?: string[]
  attachedTo?: string[]
  leaving?: string[]
  nodes?: Record<string, Partial<NodeView> | undefined>
  isShareable?: boolean
  isAttachable?: boolean
  unwantedForMs?: number
  plan: Partial<Plan>
}

const at = (nodeName: string, isLeaving = false) => ({ name: `to-${nodeName}`, nodeName, isLeaving })

test.each<Case>([
  { what: 'a volume that nobody wants', plan: {} },
  { what: 'a pod comes', wantedBy: ['a'], plan: { attach: ['a'] } },
  { what: 'it is attached', wantedBy: ['a'], attachedTo: ['a'], plan: {} },
  { what: 'a driver that attaches nothing', wantedBy: ['a'], isAttachable: false, plan: {} },
  { what: 'a node that is not there', wantedBy: ['c'], nodes: { c: undefined }, plan: {} },
  { what: 'two nodes at once', wantedBy: ['a', 'b'], plan: { attach: ['a'], refuse: ['b'] } },
  { what: 'two nodes may have it', wantedBy: ['a', 'b'], isShareable: true, plan: { attach: ['a', 'b'] } },
  { what: 'another node has it', wantedBy: ['a', 'b'], attachedTo: ['a'], plan: { refuse: ['b'] } },
  { what: 'another node is letting it go', wantedBy: ['b'], leaving: ['a'], plan: { refuse: ['b'] } },
  { what: 'the same node is letting it go', wantedBy: ['a'], leaving: ['a'], plan: {} },
  { what: 'unwanted and still reported', attachedTo: ['a'], nodes: { a: { isReported: true } }, plan: { withdraw: ['a'] } },
  { what: 'unwanted and withdrawn', attachedTo: ['a'], plan: { detach: [at('a')] } },
  {
    what: 'unwanted and mounted',
    attachedTo: ['a'],
    nodes: { a: { isInUse: true, isReported: true } },
    plan: { lookAgainInMs: longestWaitInMs },
  },
  {
    what: 'mounted for ever on a healthy node',
    attachedTo: ['a'],
    nodes: { a: { isInUse: true } },
    unwantedForMs: 60 * minute,
    plan: { lookAgainInMs: minute },
  },
  {
    what: 'mounted on a node that has fallen silent',
    attachedTo: ['a'],
    nodes: { a: { isInUse: true, isHealthy: false } },
    unwantedForMs: 5 * minute,
    plan: { lookAgainInMs: minute },
  },
  {
    what: 'the same after six minutes',
    attachedTo: ['a'],
    nodes: { a: { isInUse: true, isHealthy: false } },
    unwantedForMs: 6 * minute,
    plan: { detach: [at('a')] },
  },
  {
    what: 'a machine that is off for sure',
    attachedTo: ['a'],
    nodes: { a: { isInUse: true, isHealthy: false, isOutOfService: true } },
    plan: { detach: [at('a')] },
  },
  { what: 'a node that was deleted', attachedTo: ['a'], nodes: { a: undefined }, plan: { lookAgainInMs: longestWaitInMs } },
  {
    what: 'a node that was deleted long ago',
    attachedTo: ['a'],
    nodes: { a: undefined },
    unwantedForMs: longestWaitInMs,
    plan: { detach: [at('a')] },
  },
])('$what', ({ wantedBy = [], attachedTo = [], leaving = [], nodes = {}, plan, ...rest }) => {
  const situation: Situation = {
    isShareable: rest.isShareable ?? false,
    isAttachable: rest.isAttachable ?? true,
    wantedBy,
    attachments: [...attachedTo.map(name => at(name)), ...leaving.map(name => at(name, true))],
    node: name => (name in nodes && nodes[name] === undefined ? undefined : { ...quiet, ...nodes[name] }),
    unwantedSince: () => 0,
    now: rest.unwantedForMs ?? 0,
  }
  expect(planVolume(situation)).toEqual({ withdraw: [], detach: [], attach: [], refuse: [], ...plan })
})
