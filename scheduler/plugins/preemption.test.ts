import { describe, expect, test } from 'vitest'
import { prepareFilters } from '../filters.ts'
import { isRefusal, type Plugin } from '../framework.ts'
import { nominator } from '../nominator.ts'
import { node, pod, world } from '../testing.ts'
import { nodePorts } from './node-ports.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { type Budget, type Candidate, leastHarm, selectVictims } from './victims.ts'

const running = (name: string, cpu: string, priority = 0, startTime = '2026-01-01T00:00:00Z', more: object = {}) =>
  pod({ name, cpu, priority, status: { startTime }, ...more })

/** Who would have to leave node n for a pod that asks for so much. */
function victimsFor(asked: ReturnType<typeof pod>, placed: ReturnType<typeof pod>[], budgets: Budget[] = []) {
  const here = world([node({ name: 'n', cpu: '4' })], { n: placed })
  const cycle = here.cycleOf(asked)
  const filters = prepareFilters([nodePorts, nodeResourcesFit() as Plugin], nominator(), cycle)
  const info = cycle.snapshot.byName.get('n')
  if (isRefusal(filters) || !info) throw new Error('not ready')
  const found = selectVictims(cycle.pod, filters.trial(info), budgets)
  if (!found || !('victims' in found)) return found?.reasons
  return { victims: found.victims.map(victim => victim.pod.metadata.name), violations: found.violations }
}

describe('who has to go', () => {
  const asked = pod({ cpu: '2', priority: 100 })
  test('as few as needed, the least important ones', () => {
    const placed = [running('high', '1', 50), running('low', '1', 10), running('mid', '1', 20), running('lowest', '1', 1)]
    expect(victimsFor(asked, placed)).toEqual({ victims: ['low', 'lowest'], violations: 0 })
  })
  test('of equal priority the youngest', () => {
    const placed = [running('old', '2', 0, '2026-01-01T00:00:00Z'), running('young', '2', 0, '2026-01-02T00:00:00Z')]
    expect(victimsFor(asked, placed)).toEqual({ victims: ['young'], violations: 0 })
  })
  test('who fits back in is reprieved, even if a more important one is not', () => {
    const placed = [running('big', '3', 50), running('small', '1', 1)]
    expect(victimsFor(asked, placed)).toEqual({ victims: ['big'], violations: 0 })
  })
  test('nobody of the same or a higher priority', () => {
    expect(victimsFor(asked, [running('equal', '4', 100)])).toBeUndefined()
    expect(victimsFor(asked, [running('equal', '3', 100), running('low', '1')])).toEqual(['Insufficient cpu'])
  })
  test('other reasons count as well', () => {
    const containers = [{ name: 'main', image: 'web', ports: [{ containerPort: 80, hostPort: 80 }] }]
    const placed = [running('other', '1', 0), running('port', '0', 0, undefined, { containers })]
    expect(victimsFor(pod({ containers, priority: 1 }), placed)).toEqual({ victims: ['port'], violations: 0 })
  })
  test('those under a budget are spared as far as possible', () => {
    const budget: Budget = {
      namespace: 'default',
      matches: ({ labels }) => labels.app === 'db',
      disruptionsAllowed: 0,
      disruptedPods: new Set(),
    }
    const labels = { app: 'db' }
    const guarded = [running('guarded', '2', 0, undefined, { labels }), running('free', '2', 50)]
    expect(victimsFor(asked, guarded, [budget])).toEqual({ victims: ['free'], violations: 0 })
    const all = [running('one', '2', 0, undefined, { labels }), running('two', '2', 0, undefined, { labels })]
    expect(victimsFor(asked, all, [budget])).toMatchObject({ violations: 1 })
    expect(victimsFor(asked, all, [{ ...budget, disruptionsAllowed: 2 }])).toMatchObject({ violations: 0 })
  })
})

describe('which node it does the least harm to', () => {
  const here = world([])
  const victim = (priority: number, startTime = '2026-01-01T00:00:00Z') =>
    here.cycleOf(running('v', '1', priority, startTime)).pod
  const candidate = (nodeName: string, victims: Candidate['victims'], violations = 0): Candidate => ({
    nodeName,
    victims,
    violations,
  })
  test.each([
    ['fewest budgets violated', candidate('a', [victim(1)], 1), candidate('b', [victim(9), victim(9)]), 'b'],
    ['lowest of the highest priorities', candidate('a', [victim(5)]), candidate('b', [victim(3), victim(3)]), 'b'],
    ['smallest sum of priorities', candidate('a', [victim(5), victim(4)]), candidate('b', [victim(5), victim(2)]), 'b'],
    ['more victims always sum up to more', candidate('a', [victim(-5), victim(-9)]), candidate('b', [victim(-5)]), 'b'],
    ['latest start', candidate('a', [victim(5)]), candidate('b', [victim(5, '2026-01-02T00:00:00Z')]), 'b'],
    ['the first of equals', candidate('a', [victim(5)]), candidate('b', [victim(5)]), 'a'],
  ])('%s', (_, a, b, expected) => expect(leastHarm([a, b])?.nodeName).toBe(expected))
})
