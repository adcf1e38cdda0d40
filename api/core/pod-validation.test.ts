import { describe, expect, test } from 'vitest'
import { faults } from '../testing.ts'
import { Pod } from './pod.ts'

const web = { name: 'web', image: 'nginx:1.25' }
const pod = (spec: object) => ({ spec: { containers: [web], ...spec } })
const withContainer = (fields: object) => pod({ containers: [{ ...web, ...fields }] })
const withVolume = (source: object) => pod({ volumes: [{ name: 'v', ...source }] })
const at = 'spec.containers[0]'

test('a plain pod is sound', () => {
  expect(faults(Pod, pod({}))).toEqual([])
})

test('everything wrong is told at once', () => {
  const body = {
    metadata: { labels: { a: '-' } },
    spec: { containers: [{ name: '' }, { name: 'A', image: 'x' }], restartPolicy: 'Odd' },
  }
  expect(faults(Pod, body).map(text => text.slice(0, text.indexOf(':')))).toEqual([
    'metadata.labels',
    'spec.containers[0].name',
    'spec.containers[0].image',
    'spec.containers[1].name',
    'spec.restartPolicy',
  ])
})

describe('containers', () => {
  test.each([
    [{ image: '' }, [`${at}.image: Required value`]],
    [{ image: ' nginx' }, [`${at}.image: Invalid value: " nginx": must not have leading or trailing whitespace`]],
    [
      { imagePullPolicy: 'Odd' },
      [`${at}.imagePullPolicy: Unsupported value: "Odd": supported values: "Always", "IfNotPresent", "Never"`],
    ],
    [{ restartPolicy: 'Always' }, []],
    [
      { restartPolicy: 'Odd' },
      [`${at}.restartPolicy: Unsupported value: "Odd": supported values: "Always", "Never", "OnFailure"`],
    ],
    [
      { restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] },
      [`${at}.restartPolicy: Required value: must specify restartPolicy when restart rules are used`],
    ],
    [
      { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart' }, { action: 'Stop', exitCodes: { operator: 'Gt' } }] },
      [
        `${at}.restartPolicyRules[0].exitCodes: Required value: must be specified`,
        `${at}.restartPolicyRules[1].action: Unsupported value: "Stop": supported values: "Restart"`,
        `${at}.restartPolicyRules[1].exitCodes.operator: Unsupported value: "Gt": supported values: "In", "NotIn"`,
      ],
    ],
    [
      { lifecycle: { stopSignal: 'SIGUSR1' } },
      [`${at}.lifecycle.stopSignal: Forbidden: may not be set for containers with empty \`spec.os.name\``],
    ],
    [{ ports: [{}] }, [`${at}.ports[0].containerPort: Required value`]],
    [
      { ports: [{ containerPort: 70000, protocol: 'ICMP' }] },
      [
        `${at}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`,
        `${at}.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"`,
      ],
    ],
    [
      {
        ports: [
          { containerPort: 1, name: 'a' },
          { containerPort: 2, name: 'a' },
        ],
      },
      [`${at}.ports[1].name: Duplicate value: "a"`],
    ],
    [
      {
        ports: [
          { containerPort: 1, hostPort: 80 },
          { containerPort: 2, hostPort: 80 },
        ],
      },
      [`${at}.ports[1].hostPort: Duplicate value: "TCP//80"`],
    ],
    [{ env: [{ name: '' }] }, [`${at}.env[0].name: Required value`]],
    [
      { env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
      [`${at}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`],
    ],
    [
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' }, secretKeyRef: { name: 's', key: 'k' } } }] },
      [`${at}.env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time`],
    ],
    [
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.generateName' } } }] },
      [
        `${at}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.generateName": error converting fieldPath: field label not supported: metadata.generateName`,
      ],
    ],
    [
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } }] },
      [
        `${at}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"`,
      ],
    ],
    [{ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }] }, []],
    [
      { env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } }] },
      [
        `${at}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "2": only divisor's values 1m and 1 are supported with the cpu resource`,
      ],
    ],
    [{ volumeMounts: [{ name: 'v', mountPath: '/v' }] }, [`${at}.volumeMounts[0].name: Not found: "v"`]],
    [{ livenessProbe: {} }, [`${at}.livenessProbe: Required value: must specify a handler type`]],
    [
      { livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 }, successThreshold: 2 } },
      [
        `${at}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`,
        `${at}.livenessProbe.successThreshold: Invalid value: 2: must be 1`,
      ],
    ],
    [
      { readinessProbe: { tcpSocket: { port: 'h' }, terminationGracePeriodSeconds: 5, periodSeconds: -1 } },
      [
        `${at}.readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0`,
        `${at}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes`,
      ],
    ],
    [
      { startupProbe: { exec: {}, terminationGracePeriodSeconds: 0 } },
      [
        `${at}.startupProbe.exec.command: Required value`,
        `${at}.startupProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0`,
      ],
    ],
    [
      { securityContext: { privileged: true, allowPrivilegeEscalation: false, runAsUser: -1 } },
      [
        `${at}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive`,
        `${at}.securityContext: Invalid value: {"privileged":true,"runAsUser":-1,"allowPrivilegeEscalation":false}: cannot set \`allowPrivilegeEscalation\` to false and \`privileged\` to true`,
      ],
    ],
  ])('%j', (fields, expected) => {
    expect(faults(Pod, withContainer(fields))).toEqual(expected)
  })

  test('names are unique over all containers', () => {
    expect(faults(Pod, pod({ initContainers: [web] }))).toEqual(['spec.initContainers[0].name: Duplicate value: "web"'])
  })

  test.each([
    [
      { livenessProbe: { tcpSocket: { port: 1 } } },
      ['spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'],
    ],
    [{ restartPolicy: 'Always', livenessProbe: { tcpSocket: { port: 1 } } }, []],
    [{ restartPolicy: 'Never' }, []],
    [
      { restartPolicy: 'Always', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }] },
      [
        'spec.initContainers[0].restartPolicyRules: Forbidden: restartPolicyRules are not allowed for init containers with restart policy Always',
      ],
    ],
  ])('init container %j', (fields, expected) => {
    expect(faults(Pod, pod({ initContainers: [{ name: 'first', image: 'x', ...fields }] }))).toEqual(expected)
  })

  test('no container at all', () => {
    expect(faults(Pod, pod({ containers: [] }))).toEqual(['spec.containers: Required value'])
  })
})

describe('resources', () => {
  const resources = `${at}.resources`
  test.each([
    [
      { requests: { cpu: '2' }, limits: { cpu: '1' } },
      [`${resources}.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`],
    ],
    [
      { limits: { cpu: '-1' } },
      [
        `${resources}.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0`,
        `${resources}.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0`,
      ],
    ],
    [
      { limits: { bananas: '1' }, requests: { bananas: '1' } },
      [
        `${resources}.limits[bananas]: Invalid value: "bananas": must be a standard resource for containers`,
        `${resources}.requests[bananas]: Invalid value: "bananas": must be a standard resource for containers`,
      ],
    ],
    [
      { requests: { 'example.com/gpu': '1' } },
      [`${resources}.limits: Required value: Limit must be set for non overcommitable resources`],
    ],
    [
      { requests: { 'example.com/gpu': '1' }, limits: { 'example.com/gpu': '2' } },
      [`${resources}.requests: Invalid value: "1": must be equal to example.com/gpu limit of 2`],
    ],
    [
      { limits: { 'example.com/gpu': '1500m' } },
      [
        `${resources}.limits[example.com/gpu]: Invalid value: "1500m": must be an integer`,
        `${resources}.requests[example.com/gpu]: Invalid value: "1500m": must be an integer`,
      ],
    ],
    [{ limits: { 'hugepages-2Mi': '2Mi' } }, [`${resources}: Forbidden: HugePages require cpu or memory`]],
  ])('%j', (needs, expected) => {
    expect(faults(Pod, withContainer({ resources: needs }))).toEqual(expected)
  })
})

describe('mounts', () => {
  const volumes = [{ name: 'v' }]
  const mounted = (...volumeMounts: object[]) => pod({ volumes, containers: [{ ...web, volumeMounts }] })
  test.each([
    [
      [
        { name: 'v', mountPath: '/a' },
        { name: 'v', mountPath: '/a' },
      ],
      [`${at}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique`],
    ],
    [[{ name: 'v' }], [`${at}.volumeMounts[0].mountPath: Required value`]],
    [
      [{ name: 'v', mountPath: '/a', subPath: '../x' }],
      [`${at}.volumeMounts[0].subPath: Invalid value: "../x": must not contain '..'`],
    ],
    [
      [{ name: 'v', mountPath: '/a', subPath: 'x', subPathExpr: 'y' }],
      [`${at}.volumeMounts[0].subPathExpr: Invalid value: "y": subPathExpr and subPath are mutually exclusive`],
    ],
    [
      [{ name: 'v', mountPath: '/a', mountPropagation: 'Bidirectional' }],
      [
        `${at}.volumeMounts[0].mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`,
      ],
    ],
  ])('%j', (mounts, expected) => {
    expect(faults(Pod, mounted(...mounts))).toEqual(expected)
  })
})

describe('volumes', () => {
  const volume = 'spec.volumes[0]'
  test.each([
    [{ emptyDir: {}, hostPath: { path: '/x' } }, [`${volume}.hostPath: Forbidden: may not specify more than 1 volume type`]],
    [{ hostPath: { path: '' } }, [`${volume}.hostPath.path: Required value`]],
    [
      { hostPath: { path: '/a/../b', type: 'Odd' } },
      [
        `${volume}.hostPath.path: Invalid value: "/a/../b": must not contain '..'`,
        `${volume}.hostPath.type: Unsupported value: "Odd": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"`,
      ],
    ],
    [{ secret: {} }, [`${volume}.secret.secretName: Required value`]],
    [
      { configMap: { name: 'c', defaultMode: 512, items: [{ key: '', path: '/abs' }] } },
      [
        `${volume}.configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive`,
        `${volume}.configMap.items[0].key: Required value`,
        `${volume}.configMap.items[0].path: Invalid value: "/abs": must be a relative path`,
      ],
    ],
    [{ persistentVolumeClaim: {} }, [`${volume}.persistentVolumeClaim.claimName: Required value`]],
    [
      { emptyDir: { sizeLimit: '-1' } },
      [`${volume}.emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity`],
    ],
    [
      { downwardAPI: { items: [{ path: 'a' }] } },
      [`${volume}.downwardAPI.items[0]: Required value: one of fieldRef and resourceFieldRef is required`],
    ],
    [
      {
        projected: {
          sources: [
            { serviceAccountToken: { path: 't', expirationSeconds: 60 } },
            { secret: { name: 's', items: [{ key: 'k', path: 't' }] } },
          ],
        },
      },
      [
        `${volume}.projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes`,
        `${volume}.projected.sources[1]: Invalid value: "t": conflicting duplicate paths`,
      ],
    ],
    [
      { ephemeral: { volumeClaimTemplate: { spec: {} } } },
      [
        `${volume}.ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required`,
        `${volume}.ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value`,
      ],
    ],
    [{ nfs: { server: 's', path: 'x' } }, [`${volume}.nfs.path: Invalid value: "x": must be an absolute path`]],
    [{}, []],
  ])('%j', (source, expected) => {
    expect(faults(Pod, withVolume(source))).toEqual(expected)
  })
})

describe('where and how it runs', () => {
  const matching = (expression: object) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [expression] }] },
      },
    },
  })
  const expression =
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]'
  test.each([
    [
      { tolerations: [{ operator: 'Equal' }] },
      [
        'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
    [
      { tolerations: [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 1 }] },
      ['spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set'],
    ],
    [
      { tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] },
      ['spec.tolerations[0].operator: Invalid value: "b": value must be empty when `operator` is \'Exists\''],
    ],
    [
      matching({ key: 'a', operator: 'In' }),
      [`${expression}.values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`],
    ],
    [
      matching({ key: 'a', operator: 'Exists', values: ['b'] }),
      [`${expression}.values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`],
    ],
    [
      matching({ key: 'a', operator: 'Gt', values: [] }),
      [`${expression}.values: Required value: must be specified single value when \`operator\` is 'Lt' or 'Gt'`],
    ],
    [matching({ key: 'a', operator: 'Odd' }), [`${expression}.operator: Invalid value: "Odd": not a valid selector operator`]],
    [
      { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, podAffinityTerm: {} }] } } },
      [
        'spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100',
        'spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey: Required value: can not be empty',
      ],
    ],
    [
      { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'zone', whenUnsatisfiable: 'Odd' }] },
      [
        'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
        'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Odd": supported values: "DoNotSchedule", "ScheduleAnyway"',
      ],
    ],
    [{ restartPolicy: 'X' }, ['spec.restartPolicy: Unsupported value: "X": supported values: "Always", "OnFailure", "Never"']],
    [{ activeDeadlineSeconds: 0 }, ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive']],
    [{ terminationGracePeriodSeconds: -5 }, []],
    [{ hostname: 'a.b' }, ['spec.hostname: Invalid value: "a.b": must not contain dots']],
    [
      { hostAliases: [{ ip: 'x' }] },
      ['spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ],
    [{ dnsPolicy: 'None' }, ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None']],
    [
      { hostNetwork: true, containers: [{ ...web, ports: [{ containerPort: 80, hostPort: 81 }] }] },
      [`${at}.ports[0].hostPort: Invalid value: 81: must match \`containerPort\` when \`hostNetwork\` is true`],
    ],
    [
      { hostPID: true, shareProcessNamespace: true },
      [
        'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
      ],
    ],
    [{ ephemeralContainers: [{ name: 'd', image: 'x' }] }, ['spec.ephemeralContainers: Forbidden: cannot be set on create']],
  ])('%j', (spec, expected) => {
    expect(faults(Pod, pod(spec))).toEqual(expected)
  })
})

describe('updates', () => {
  const fixed =
    'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'
  const toleration = { key: 'a', operator: 'Exists' }
  test.each([
    ['the image', { containers: [{ ...web, image: 'nginx:1.26', imagePullPolicy: 'IfNotPresent' }] }, {}, []],
    ['more tolerations', { tolerations: [toleration, { ...toleration, key: 'b' }] }, { tolerations: [toleration] }, []],
    [
      'fewer tolerations',
      {},
      { tolerations: [toleration] },
      ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
    ],
    ['a shorter deadline', { activeDeadlineSeconds: 5 }, { activeDeadlineSeconds: 9 }, []],
    [
      'a longer deadline',
      { activeDeadlineSeconds: 9 },
      { activeDeadlineSeconds: 5 },
      ['spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value'],
    ],
    [
      'no deadline',
      {},
      { activeDeadlineSeconds: 5 },
      ['spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value'],
    ],
    ['an odd grace', { terminationGracePeriodSeconds: 1 }, { terminationGracePeriodSeconds: -3 }, []],
    ['the network', { hostNetwork: true }, {}, [`${fixed}\n  spec.hostNetwork: nil -> true`]],
    ['the node', { nodeName: 'b' }, { nodeName: 'a' }, [`${fixed}\n  spec.nodeName: "a" -> "b"`]],
    [
      'one container more',
      { containers: [web, { ...web, name: 'b' }] },
      {},
      ['spec.containers: Forbidden: pod updates may not add or remove containers'],
    ],
    ['a gate less', {}, { schedulingGates: [{ name: 'a' }] }, []],
    [
      'a gate more',
      { schedulingGates: [{ name: 'a' }] },
      {},
      ["spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'a'"],
    ],
  ])('%s', (_, spec, old, expected) => {
    expect(faults(Pod, pod(spec), pod(old))).toEqual(expected)
  })
})
