import { describe, expect, test } from 'vitest'
import { parseSchedulerConfiguration } from './configuration.ts'

const head = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' }
const parse = (body: object = {}) => parseSchedulerConfiguration({ ...head, ...body })
const withArgs = (name: string, args: object) => ({ profiles: [{ pluginConfig: [{ name, args }] }] })

describe('a configuration', () => {
  test('that says nothing is the default', () => {
    expect(parse()).toEqual({
      percentageOfNodesToScore: 0,
      podInitialBackoffSeconds: 1,
      podMaxBackoffSeconds: 10,
      profiles: [
        {
          schedulerName: 'default-scheduler',
          percentageOfNodesToScore: undefined,
          plugins: {},
          arguments: {
            DefaultPreemption: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 },
            InterPodAffinity: { hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: false },
            NodeAffinity: { addedAffinity: undefined },
            NodeResourcesBalancedAllocation: { resources: cpuAndMemory },
            NodeResourcesFit: {
              ignoredResources: [],
              ignoredResourceGroups: [],
              scoringStrategy: { type: 'LeastAllocated', resources: cpuAndMemory },
            },
            PodTopologySpread: { defaultingType: 'System', defaultConstraints: [] },
            VolumeBinding: { bindTimeoutSeconds: 600 },
          },
        },
      ],
    })
  })
  test('of many profiles keeps what each of them says', () => {
    const { profiles, ...rest } = parse({
      percentageOfNodesToScore: 30,
      podInitialBackoffSeconds: 2,
      podMaxBackoffSeconds: 20,
      parallelism: 8,
      leaderElection: { leaderElect: true, leaseDuration: '15s', resourceLock: 'leases' },
      clientConnection: { kubeconfig: '/etc/kubeconfig', qps: 50.5, burst: 100 },
      profiles: [
        { schedulerName: 'packing', percentageOfNodesToScore: 0, ...withArgs('NodeResourcesFit', packing).profiles[0] },
        { schedulerName: 'plain', plugins: { score: { disabled: [{ name: '*' }] } } },
      ],
    })
    expect(rest).toEqual({ percentageOfNodesToScore: 30, podInitialBackoffSeconds: 2, podMaxBackoffSeconds: 20 })
    expect(profiles.map(({ schedulerName, percentageOfNodesToScore }) => [schedulerName, percentageOfNodesToScore])).toEqual([
      ['packing', 0],
      ['plain', undefined],
    ])
    expect(profiles[0]?.arguments.NodeResourcesFit.scoringStrategy).toEqual({
      type: 'RequestedToCapacityRatio',
      resources: [
        { name: 'cpu', weight: 3 },
        { name: 'example.com/gpu', weight: 1 },
      ],
      shape: packing.scoringStrategy.requestedToCapacityRatio.shape,
    })
    expect(profiles[1]?.plugins.score?.disabled).toEqual([{ name: '*' }])
  })
})

const cpuAndMemory = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]
const packing = {
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'NodeResourcesFitArgs',
  scoringStrategy: {
    type: 'RequestedToCapacityRatio',
    resources: [{ name: 'cpu', weight: 3 }, { name: 'example.com/gpu' }],
    requestedToCapacityRatio: {
      shape: [
        { utilization: 0, score: 0 },
        { utilization: 100, score: 10 },
      ],
    },
  },
}
const shape = (...points: [number, number][]) => ({
  scoringStrategy: {
    type: 'RequestedToCapacityRatio',
    requestedToCapacityRatio: { shape: points.map(([utilization, score]) => ({ utilization, score })) },
  },
})
const fit = 'profiles[0].pluginConfig[0].args.scoringStrategy'
const spread = (...defaultConstraints: object[]) => withArgs('PodTopologySpread', { defaultingType: 'List', defaultConstraints })
const zone = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }

test.each<[object, string]>([
  [{ profile: [] }, 'strict decoding error: unknown field "profile"'],
  [{ profiles: [{ plugins: { filters: {} } }] }, 'strict decoding error: unknown field "profiles[0].plugins.filters"'],
  [withArgs('InterPodAffinity', { weight: 1 }), 'strict decoding error: unknown field "weight"'],
  [{ parallelism: 0 }, 'parallelism: Invalid value: 0: should be an integer value greater than zero'],
  [{ percentageOfNodesToScore: 101 }, 'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]'],
  [
    { profiles: [{ percentageOfNodesToScore: -1 }] },
    'profiles[0].percentageOfNodesToScore: Invalid value: -1: not in valid range [0-100]',
  ],
  [
    { podInitialBackoffSeconds: 0, podMaxBackoffSeconds: -1 },
    '[podInitialBackoffSeconds: Invalid value: 0: must be greater than 0, podMaxBackoffSeconds: Invalid value: -1: must be greater than or equal to PodInitialBackoffSeconds]',
  ],
  [
    { leaderElection: { leaderElect: true, resourceLock: 'configmaps' } },
    'leaderElection.resourceLock: Invalid value: "configmaps": resourceLock value must be "leases"',
  ],
  [{ extenders: [{ urlPrefix: 'http://x' }] }, 'extenders: Forbidden: this scheduler calls no extenders'],
  [
    { profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] },
    'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
  ],
  [{ profiles: [{ schedulerName: 'a' }, {}] }, 'profiles[1].schedulerName: Required value'],
  [
    { profiles: [{ schedulerName: 'a' }, { schedulerName: 'b', plugins: { queueSort: { enabled: [{ name: 'X' }] } } }] },
    'profiles[1].plugins.queueSort: Invalid value: {"enabled":[{"name":"X"}]}: must be the same for all profiles',
  ],
  [
    { profiles: [{ plugins: { queueSort: { enabled: [{ name: 'A' }, { name: 'B' }] } } }] },
    'profiles[0].plugins.queueSort.Enabled: Invalid value: 2: only one queue sort plugin can be enabled',
  ],
  [
    { profiles: [{ plugins: { filter: { enabled: [{ name: 'EBSLimits' }] } } }] },
    'profiles[0].plugins.filter.enabled[0]: Invalid value: "EBSLimits": was invalid in version "kubescheduler.config.k8s.io/v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")',
  ],
  [
    { profiles: [{ pluginConfig: [{ name: 'NodeAffinity' }, { name: 'NodeAffinity' }] }] },
    'profiles[0].pluginConfig[1]: Duplicate value: "NodeAffinity"',
  ],
  [
    withArgs('NodeAffinity', { kind: 'InterPodAffinityArgs' }),
    'decoding .profiles.pluginConfig args for plugin NodeAffinity: args for plugin NodeAffinity were not of type NodeAffinityArgs.kubescheduler.config.k8s.io, got InterPodAffinityArgs.kubescheduler.config.k8s.io',
  ],
  [
    withArgs('InterPodAffinity', { hardPodAffinityWeight: 101 }),
    'profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]',
  ],
  [
    withArgs('DefaultPreemption', { minCandidateNodesPercentage: 101, minCandidateNodesAbsolute: -1 }),
    '[profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: 101: not in valid range [0, 100], profiles[0].pluginConfig[0].args.minCandidateNodesAbsolute: Invalid value: -1: not in valid range [0, inf)]',
  ],
  [
    withArgs('DefaultPreemption', { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }),
    '[profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute, profiles[0].pluginConfig[0].args.minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage]',
  ],
  [
    withArgs('NodeAffinity', { addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } }),
    'profiles[0].pluginConfig[0].args.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
  ],
  [
    withArgs('NodeResourcesBalancedAllocation', { resources: [{ name: 'cpu', weight: 2 }, { name: 'cpu' }] }),
    '[profiles[0].pluginConfig[0].args.resources[0].weight: Invalid value: 2: must be 1, profiles[0].pluginConfig[0].args.resources[1].name: Duplicate value: "cpu"]',
  ],
  [
    withArgs('NodeResourcesFit', { scoringStrategy: { type: 'Most' } }),
    `${fit}.type: Unsupported value: "Most": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`,
  ],
  [
    withArgs('NodeResourcesFit', { scoringStrategy: { type: 'LeastAllocated', resources: [{ name: 'cpu', weight: 101 }] } }),
    `${fit}.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]`,
  ],
  [
    withArgs('NodeResourcesFit', { ignoredResourceGroups: ['a/b'] }),
    `profiles[0].pluginConfig[0].args.ignoredResourceGroups[0]: Invalid value: "a/b": resource group name can't contain '/'`,
  ],
  [withArgs('NodeResourcesFit', shape()), `${fit}.shape: Required value: at least one point must be specified`],
  [
    withArgs('NodeResourcesFit', shape([50, 0], [50, 5])),
    `${fit}.shape[1].utilization: Invalid value: 50: values must be sorted in increasing order`,
  ],
  [withArgs('NodeResourcesFit', shape([-1, 0])), `${fit}.shape[0].utilization: Invalid value: -1: not in valid range [0, 100]`],
  [withArgs('NodeResourcesFit', shape([0, 11])), `${fit}.shape[0].score: Invalid value: 11: not in valid range [0, 10]`],
  [
    withArgs('PodTopologySpread', { defaultConstraints: [zone] }),
    'profiles[0].pluginConfig[0].args.defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
  ],
  [
    withArgs('PodTopologySpread', { defaultingType: 'Mine' }),
    'profiles[0].pluginConfig[0].args.defaultingType: Unsupported value: "Mine": supported values: "System", "List"',
  ],
  [
    spread({ ...zone, maxSkew: 0 }),
    'profiles[0].pluginConfig[0].args.defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf)',
  ],
  [
    spread({ ...zone, topologyKey: '' }),
    'profiles[0].pluginConfig[0].args.defaultConstraints[0].topologyKey: Required value: can not be empty',
  ],
  [
    spread({ ...zone, labelSelector: { matchLabels: { a: 'b' } } }),
    'profiles[0].pluginConfig[0].args.defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod',
  ],
  [spread(zone, zone), 'profiles[0].pluginConfig[0].args.defaultConstraints[1]: Duplicate value: "{zone, ScheduleAnyway}"'],
  [
    withArgs('VolumeBinding', { bindTimeoutSeconds: -1 }),
    'profiles[0].pluginConfig[0].args.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value',
  ],
  [
    withArgs('VolumeBinding', { shape: [{ utilization: 0, score: 1 }] }),
    'profiles[0].pluginConfig[0].args.shape: Invalid value: [{"utilization":0,"score":1}]: unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring',
  ],
])('%j is refused', (body, message) => expect(() => parse(body)).toThrow(new Error(message)))

test('what is no configuration of ours is refused', () => {
  expect(() => parseSchedulerConfiguration(null)).toThrow('no kind "" is registered for version ""')
  expect(() => parseSchedulerConfiguration({ ...head, apiVersion: 'kubescheduler.config.k8s.io/v1beta3' })).toThrow(
    'is registered for version "kubescheduler.config.k8s.io/v1beta3"',
  )
  expect(() => parse({ parallelism: 'many' })).toThrow('cannot unmarshal string into Go')
})
test("what is said to plugins nobody knows is nobody's business", () => {
  expect(parse(withArgs('TheirOwn', { what: 'ever' })).profiles).toHaveLength(1)
})
