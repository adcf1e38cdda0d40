import { describe, expect, test } from 'vitest'
import { hostPortsOf, portsConflict } from './host-ports.ts'
import { matchesNodeWishes, nodeNamesAskedFor, preferredNodeWeight } from './node-affinity.ts'
import { tolerates, untoleratedTaint } from './tolerations.ts'

describe('tolerations', () => {
  const taint = { key: 'team', value: 'a', effect: 'NoSchedule' }
  test.each([
    [{ key: 'team', operator: 'Equal', value: 'a', effect: 'NoSchedule' }, true],
    [{ key: 'team', value: 'a' }, true],
    [{ key: 'team', operator: 'Exists' }, true],
    [{ operator: 'Exists' }, true],
    [{ operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'team', value: 'b' }, false],
    [{ key: 'other', operator: 'Exists' }, false],
    [{ value: 'a' }, true],
    [{ key: 'team', operator: 'Gt', value: '1' }, false],
  ])('%j: %s', (toleration, expected) => expect(tolerates(toleration, taint)).toBe(expected))

  test('a taint without a value is covered by a toleration without one', () => {
    expect(tolerates({ key: 'gone' }, { key: 'gone', effect: 'NoExecute' })).toBe(true)
  })
  test('the first that counts is named', () => {
    const taints = [{ key: 'soft', effect: 'PreferNoSchedule' }, taint, { key: 'second', effect: 'NoSchedule' }]
    expect(untoleratedTaint(taints, [], 'NoSchedule', 'NoExecute')).toBe(taint)
    expect(untoleratedTaint(taints, [{ operator: 'Exists' }], 'NoSchedule')).toBeUndefined()
  })
})

describe('node affinity', () => {
  const node = { name: 'node-1', labels: { zone: 'a', cores: '8', ssd: '' } }
  const requiring = (...nodeSelectorTerms: object[]) => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  })
  const expression = (key: string, operator: string, ...values: string[]) => ({ matchExpressions: [{ key, operator, values }] })
  test.each([
    [{}, true],
    [{ nodeSelector: { zone: 'a' } }, true],
    [{ nodeSelector: { zone: 'a', ssd: 'yes' } }, false],
    [requiring(), false],
    [requiring({}), false],
    [requiring({}, expression('zone', 'In', 'a', 'b')), true],
    [requiring(expression('zone', 'NotIn', 'a')), false],
    [requiring(expression('rack', 'NotIn', 'a')), true],
    [requiring(expression('ssd', 'Exists')), true],
    [requiring(expression('rack', 'DoesNotExist')), true],
    [requiring(expression('cores', 'Gt', '7')), true],
    [requiring(expression('cores', 'Lt', '8')), false],
    [requiring(expression('zone', 'Gt', '1')), false],
    [
      requiring({
        matchExpressions: [
          ...expression('zone', 'In', 'a').matchExpressions,
          ...expression('ssd', 'DoesNotExist').matchExpressions,
        ],
      }),
      false,
    ],
    [requiring({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] }), true],
    [requiring({ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['node-1'] }] }), false],
    [{ nodeSelector: { zone: 'b' }, ...requiring(expression('zone', 'In', 'a')) }, false],
  ])('%j: %s', (spec, expected) => expect(matchesNodeWishes(spec, node)).toBe(expected))

  const named = (...names: string[]) => ({ matchFields: [{ key: 'metadata.name', operator: 'In', values: names }] })
  test.each([
    [requiring(named('a'), named('b')), ['a', 'b']],
    [requiring({ matchFields: [...named('a', 'b').matchFields, ...named('b', 'c').matchFields] }), ['b']],
    [requiring({ matchFields: [...named('a').matchFields, ...named('b').matchFields] }), []],
    [requiring(named('a'), expression('zone', 'Exists')), undefined],
    [{}, undefined],
  ])('the names asked for by %j: %j', (spec, expected) => {
    const names = nodeNamesAskedFor(spec)
    expect(names && [...names]).toEqual(expected)
  })

  test('preferences that match add up', () => {
    const preferredDuringSchedulingIgnoredDuringExecution = [
      { weight: 10, preference: expression('zone', 'In', 'a') },
      { weight: 5, preference: expression('zone', 'In', 'b') },
      { weight: 3, preference: expression('ssd', 'Exists') },
      { weight: 90, preference: {} },
    ]
    expect(preferredNodeWeight({ affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution } } }, node)).toBe(
      13,
    )
  })
})

describe('host ports', () => {
  const port = (hostPort: number, hostIP?: string, protocol?: string) => ({ hostPort, hostIP, protocol })
  const of = (...ports: ReturnType<typeof port>[]) => hostPortsOf({ containers: [{ ports }] })
  test.each([
    [[port(80)], [port(80)], true],
    [[port(80)], [port(81)], false],
    [[port(80)], [port(80, '', 'UDP')], false],
    [[port(80, '10.0.0.1')], [port(80, '10.0.0.2')], false],
    [[port(80, '10.0.0.1')], [port(80, '0.0.0.0')], true],
    [[port(80)], [port(80, '10.0.0.2', 'TCP')], true],
    [[port(0)], [port(0)], false],
    [[port(-1)], [port(-1)], false],
    [[port(80), port(90)], [port(70), port(90)], true],
  ])('%j beside %j: conflict %s', (wanted, used, expected) => expect(portsConflict(of(...wanted), of(...used))).toBe(expected))

  test('init containers that stay take ports, others give theirs back', () => {
    const initContainers = [{ ports: [port(80)] }, { ports: [port(81)], restartPolicy: 'Always' }]
    expect(hostPortsOf({ containers: [], initContainers })).toEqual([{ protocol: 'TCP', ip: '0.0.0.0', port: 81 }])
  })
})
