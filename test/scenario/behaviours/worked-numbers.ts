import type { Promises } from './shown.ts'

const search = 'scheduler/search.test.ts'
const scoring = 'scheduler/plugins/resource-scoring.test.ts'
const nodePlugins = 'scheduler/plugins/node-plugins.test.ts'
const rolling = 'controllers/deployment/plans.test.ts'
const ranking = 'controllers/replicaset/plan.test.ts'
const resources = 'kubelet/sync/resources.test.ts'
const nodeLifecycle = 'controllers/node-lifecycle/controller.test.ts'
const kubelet = 'kubelet/kubelet.test.ts'
const endpoints = 'controllers/endpoints/stories.test.ts'

const notRouted = 'services are not routed yet'

/** Figures that were computed from the formulas of the specification, and the tests that hold us to them. */
export const workedNumbers: Readonly<Record<string, Promises>> = {
  'The search for a node': {
    'feasible nodes that are enough, 50 to 6000 nodes': { [search]: ['of %d nodes %d feasible ones are enough'] },
    'candidates for preemption, 50 to 2000 nodes': { [search]: ['of %d nodes %d are tried for preemption'] },
  },
  'Back-off': {
    'of the scheduler: 0, 1, 2, 4, 8, 10, 10 s': { 'scheduler/queue.test.ts': ['the back-off after so many failures'] },
    'of crashing containers: 0, 10, 20, 40, 80, 160, 300, 300 s': {
      'kubelet/sync/crash-backoff.test.ts': ['the first restart is immediate, then the wait doubles up to five minutes'],
    },
    'of jobs: 10, 20, 40, 80, 160, 320, 600 s': {
      'controllers/job/backoff.test.ts': ['after %d failures the next pod waits %d s'],
    },
  },
  'Scores of nodes': {
    'least allocated: 85 and 94 are 89': { [scoring]: ['least: (85 + 94) / 2'] },
    'balance: 95 and 75': { [scoring]: ['%s and %s of 4 cpu and 8Gi'], [nodePlugins]: ['balance of cpu and memory'] },
    'balance in the newest formula: 69': { [scoring]: ['that becomes better counts more, in the newest formula'] },
    'soft spread over zones with 3 and 1 pods: 4 and 1, normalised 25 and 100': {
      'scheduler/plugins/pod-plugins.test.ts': ['softly: 3 and 1 matching pods in two zones score 25 and 100'],
    },
    'images: 500 MiB on 2 and on 4 of 4 nodes, 40 MiB on one: 23, 48, 0': {
      [nodePlugins]: ['an image of %d MiB on %d of 4 nodes: %d points'],
    },
  },
  'Ages in orders of magnitude': {
    '10 and 15 s are 33, 40 s is 35, an hour 41, two 42': { [ranking]: ['ages are compared by orders of magnitude'] },
    '10 s against 15 s is decided by the UID': { [ranking]: ['within a magnitude of readiness the UID decides'] },
  },
  'Rolling updates': {
    'surge and unavailable of 25 % of 1, 2, 3, 4 and 10': { [rolling]: ['%i replicas, surge %s, unavailable %s: %i and %i'] },
    'ten at 3 and 2: 3 new, 8 old, 5 new': { [rolling]: ['a rolling update of ten, step by step'] },
    'ten become fifteen: 8 and 5 become 11 and 7': { [rolling]: ['proportional scaling: ten to fifteen in mid-rollout'] },
    '10 % of 15 daemons are 2': {
      'controllers/daemonset/plan.test.ts': ['maxUnavailable %s and maxSurge %s of %i nodes'],
    },
  },
  Autoscaling: {
    'three pods at 200 % of 50 % become 12; a ratio of 1.05 changes nothing': {
      'controllers/horizontal-pod-autoscaler/replicas.test.ts': [
        'the worked numbers: 200 % where 50 % is wanted makes 3 pods 12; 5 % too much changes nothing',
      ],
    },
  },
  'Figures of containers': {
    'shares, weight and quota of 0 to 4000 thousandths of a core': {
      [resources]: ['%im of cpu are %i shares, weight %i, quota %s'],
    },
    'oom_score_adj on 16 GiB: 999, 985, 938, 3': {
      [resources]: ['%s (critical: %s) with %i bytes on 16Gi has oom_score_adj %i'],
    },
  },
  Services: {
    'addresses that are kept for those who ask: /24 16, /20 256, /16 256, /12 256': {
      'apiserver/number-bands.test.ts': ['%s has the addresses %s to %s, the lowest %i for those who ask'],
    },
    'node ports that are kept: 30000 to 30085': {
      'apiserver/number-bands.test.ts': ['node ports that people choose are best among 30000 to 30085'],
    },
    'probabilities of four endpoints': notRouted,
    'names of chains': notRouted,
  },
  'The end of a node': {
    'Unknown, not ready and closed after 50 to 55 s, NoExecute a moment later': {
      [nodeLifecycle]: [
        'a node silent for 50 s becomes Unknown, with its NoSchedule taint at once and NoExecute a moment later; its pods are not ready',
        'nodes of a zone are tainted one per 10 s; another zone has its own turn',
      ],
      [endpoints]: ['pods of a node that falls silent leave the endpoints at once, long before they are evicted'],
    },
    'eviction 300 s after that': {
      'controllers/taint-eviction/controller.test.ts': [
        'pods leave a dead node 300 s after it was tainted, unless they tolerate it for longer or for ever',
      ],
    },
    'pods stay Terminating until somebody ends that': {
      'controllers/pod-gc/controller.test.ts': [
        'DELETE only marks a running pod; on a node that is lost it stays Terminating for ever, unless by force or with its node',
      ],
    },
  },
  'The end of a pod, 30 s of grace and a hook of 10 s': {
    'endpoints mark it at once': {
      [endpoints]: ['endpoints: ready vs serving vs terminating, from a pod without an address to one that is gone'],
    },
    'told to end at 10 s, killed at 30 s': {
      'kubelet/sync/kill.test.ts': [
        'of thirty seconds of grace a hook of ten leaves twenty: told to end at 10 s, killed at 30 s',
      ],
    },
    'its object goes right after that': {
      [kubelet]: ['a pod with thirty seconds of grace, ten of them for its hook, goes right after the thirty'],
    },
  },
}
