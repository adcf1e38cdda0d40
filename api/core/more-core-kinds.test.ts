import { describe, expect, test } from 'vitest'
import type { AnyKind } from '../kind.ts'
import { faults, made } from '../testing.ts'
import { ComponentStatus } from './component-status.ts'
import { Endpoints } from './endpoints.ts'
import { LimitRange } from './limit-range.ts'
import { PodTemplate } from './pod-template.ts'
import { ReplicationController } from './replication-controller.ts'
import { ResourceQuota } from './resource-quota.ts'

const labels = { app: 'web' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx:1' }] } }
const cells = (kind: AnyKind, body: object) => kind.columns.map(column => column.value(made(kind, body), 0))

describe('a ReplicationController', () => {
  const controller = (spec: object = {}) => ({ spec: { template, ...spec } })
  test('takes from its template what it does not say', () => {
    const { metadata, spec } = made(ReplicationController, controller())
    expect({ labels: metadata.labels, selector: spec.selector, replicas: spec.replicas }).toEqual({
      labels,
      selector: labels,
      replicas: 1,
    })
  })

  test.each<[object, string[]]>([
    [controller(), []],
    [{}, ['spec.selector: Required value', 'spec.template: Required value']],
    [
      controller({ selector: { app: 'db' }, replicas: -1 }),
      [
        'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      ],
    ],
    [
      controller({ template: { ...template, spec: { ...template.spec, activeDeadlineSeconds: 5 } } }),
      ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported'],
    ],
  ])('%j', (body, expected) => expect(faults(ReplicationController, body)).toEqual(expected))

  test('is shown, scaled and selected', () => {
    const body = { ...controller(), status: { replicas: 2, readyReplicas: 1 } }
    expect(cells(ReplicationController, body)).toEqual([1, 2, 1, '<unknown>', 'web', 'nginx:1', 'app=web'])
    const object = made(ReplicationController, body)
    expect(ReplicationController.scale?.selector(object)).toBe('app=web')
    expect(ReplicationController.selectableFields['status.replicas']?.(object)).toBe('2')
    expect(ReplicationController.deletion.defaultPropagation).toBe('Orphan')
    const wrong = made(ReplicationController, { ...controller(), status: { replicas: 1, availableReplicas: 1 } })
    expect(ReplicationController.validateStatus(wrong, object)).toMatchObject([
      { field: 'status.availableReplicas', message: 'Invalid value: 1: cannot be greater than readyReplicas' },
    ])
  })
})

test('a PodTemplate', () => {
  expect(faults(PodTemplate, {})).toEqual(['template.spec.containers: Required value'])
  expect(cells(PodTemplate, { template })).toEqual(['web', 'nginx:1', 'app=web'])
})

describe('Endpoints', () => {
  const subset = (ips: string[], ports: object[] = []) => ({ addresses: ips.map(ip => ({ ip })), ports })
  test.each<[object[], string[]]>([
    [[subset(['10.0.0.1'], [{ port: 80 }])], []],
    [[{}], ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`']],
    [
      [subset(['127.0.0.1', 'x', '169.254.1.1'], [{ port: 0 }, { port: 1, name: 'A', protocol: 'X' }])],
      [
        'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
        'subsets[0].addresses[1].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        'subsets[0].addresses[1].ip: Invalid value: "x": must be a valid IP address',
        'subsets[0].addresses[2].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
        'subsets[0].ports[0].name: Required value',
        'subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
        expect.stringMatching(/^subsets\[0\].ports\[1\].name: Invalid value: "A": a lowercase RFC 1123 label/),
        'subsets[0].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
      ],
    ],
  ])('%j', (subsets, expected) => expect(faults(Endpoints, { subsets })).toEqual(expected))

  test('what was always wrong may stay', () => expect(faults(Endpoints, { subsets: [{}] }, { subsets: [{}] })).toEqual([]))

  test.each([
    [[], '<none>'],
    [[subset(['1.1.1.1', '1.1.1.2'])], '1.1.1.1,1.1.1.2'],
    [[subset(['1.1.1.1', '::2'], [{ port: 80 }, { port: 81 }])], '1.1.1.1:80,[::2]:80,1.1.1.1:81 + 1 more...'],
  ])('%j are shown as %s', (subsets, text) => expect(cells(Endpoints, { subsets })[0]).toBe(text))
})

describe('a ResourceQuota', () => {
  const terminating = { scopeName: 'Terminating', operator: 'Exists' }
  const selector = (...matchExpressions: object[]) => ({ scopeSelector: { matchExpressions } })
  const at = 'spec.scopeSelector.matchExpressions'
  test.each<[object, string[]]>([
    [
      {
        hard: {
          pods: '5',
          'requests.example.com/gpu': 1,
          'count/jobs.batch': 2,
          'gold.storageclass.storage.k8s.io/requests.storage': '1Gi',
        },
      },
      [],
    ],
    [
      { hard: { storage: '1', odd: '1', pods: '500m', cpu: '-1' } },
      [
        'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota',
        'spec.hard[odd]: Invalid value: "odd": must be a standard resource type or fully qualified',
        'spec.hard[odd]: Invalid value: "odd": must be a standard resource for quota',
        'spec.hard[pods]: Invalid value: "500m": must be an integer',
        'spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
    [
      { hard: { services: '1' }, scopes: ['BestEffort', 'NotBestEffort', 'Odd'] },
      [
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: unsupported scope',
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: conflicting scopes',
      ],
    ],
    [{ hard: { pods: '1' }, ...selector(terminating, { scopeName: 'PriorityClass', operator: 'In', values: ['high'] }) }, []],
    [
      selector({ scopeName: 'PriorityClass', operator: 'In' }, { ...terminating, values: ['x'] }, { scopeName: 'Odd' }),
      [
        `${at}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`,
        `${at}.values: Invalid value: ["x"]: must be no value when \`operator\` is 'Exist' or 'DoesNotExist' for scope selector`,
        `${at}.scopeName: Invalid value: "Odd": unsupported scope`,
        `${at}.operator: Invalid value: "": not a valid selector operator`,
      ],
    ],
  ])('%j', (spec, expected) => expect(faults(ResourceQuota, { spec })).toEqual(expected))

  test('keeps its scopes', () => {
    expect(faults(ResourceQuota, { spec: { scopes: ['BestEffort'] } }, { spec: {} })).toEqual([
      'spec.scopes: Invalid value: ["BestEffort"]: field is immutable',
    ])
  })

  test('is shown by what is requested and what is limited', () => {
    const status = { hard: { pods: '2', cpu: '1', 'limits.cpu': '3' }, used: { pods: '1', cpu: '100m' } }
    expect(cells(ResourceQuota, { status })).toEqual(['cpu: 100m/1, pods: 1/2', 'limits.cpu: 0/3', '<unknown>'])
  })
})

describe('a LimitRange', () => {
  const limits = (limit: object) => ({ spec: { limits: [{ type: 'Container', ...limit }] } })
  test.each([
    [{ max: { cpu: '2' } }, { max: { cpu: '2' }, default: { cpu: '2' }, defaultRequest: { cpu: '2' } }],
    [{ min: { cpu: '1' } }, { min: { cpu: '1' }, defaultRequest: { cpu: '1' } }],
    [
      { default: { cpu: '2' }, min: { cpu: '1' }, defaultRequest: { memory: '1Gi' } },
      { default: { cpu: '2' }, min: { cpu: '1' }, defaultRequest: { cpu: '2', memory: '1Gi' } },
    ],
    [{ type: 'Pod', max: { cpu: '2' } }, { max: { cpu: '2' } }],
  ])('%j becomes %j', (given, expected) => {
    expect(made(LimitRange, limits(given)).spec.limits).toEqual([{ type: 'Container', ...given, ...expected }])
  })

  const at = 'spec.limits[0]'
  test.each<[object, string[]]>([
    [{ max: { cpu: '2' }, min: { cpu: '1' } }, []],
    [{ max: { constructor: '1' }, min: { cpu: '1' } }, Array(3).fill(expect.stringContaining('constructor'))],
    [{ type: 'Odd' }, [`${at}.type: Invalid value: "Odd": must be a standard limit type or fully qualified`]],
    [{ max: { pods: '1' } }, Array(3).fill(expect.stringMatching(/must be a standard resource for containers$/))],
    [{ type: 'Pod', default: { cpu: '1' } }, [`${at}.default: Forbidden: may not be specified when \`type\` is 'Pod'`]],
    [
      { type: 'PersistentVolumeClaim' },
      [`${at}.limits: Required value: either minimum or maximum storage value is required, but neither was provided`],
    ],
    [
      { max: { cpu: '1' }, min: { cpu: '2' }, default: { cpu: '1' }, defaultRequest: { cpu: '1' } },
      [
        `${at}.min[cpu]: Invalid value: "2": min value 2 is greater than max value 1`,
        `${at}.defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1`,
        `${at}.default[cpu]: Invalid value: "2": min value 2 is greater than default value 1`,
      ],
    ],
    [
      { max: { cpu: '2' }, min: { cpu: '1' }, maxLimitRequestRatio: { cpu: '3', memory: '500m' } },
      [
        `${at}.maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000`,
        `${at}.maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1`,
      ],
    ],
    [
      { default: { 'a.b/gpu': '2' }, defaultRequest: { 'a.b/gpu': '1' } },
      [`${at}.defaultRequest[a.b/gpu]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in a.b/gpu`],
    ],
  ])('%j', (limit, expected) => expect(faults(LimitRange, limits(limit))).toEqual(expected))

  test('has one entry for each type', () => {
    const spec = { limits: [{ type: 'Pod' }, { type: 'Pod' }] }
    expect(faults(LimitRange, { spec })).toEqual(['spec.limits[1].type: Duplicate value: "Pod"'])
  })
})

test.each([
  [[{ type: 'Healthy', status: 'True', message: 'ok' }], ['Healthy', 'ok', '']],
  [[{ type: 'Healthy', status: 'False', error: 'gone' }], ['Unhealthy', '', 'gone']],
  [[], ['Unknown', '', '']],
])('a ComponentStatus with %j', (conditions, expected) => expect(cells(ComponentStatus, { conditions })).toEqual(expected))
