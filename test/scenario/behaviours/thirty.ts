import type { Promises } from './shown.ts'

const scheduler = 'scheduler/behaviours.test.ts'
const queue = 'scheduler/queue.test.ts'
const replicaSet = 'controllers/replicaset/plan.test.ts'
const staleCache = 'controllers/replicaset/stale-cache.test.ts'
const deployment = 'controllers/deployment/controller.test.ts'
const rollingPlans = 'controllers/deployment/plans.test.ts'
const statefulSet = 'controllers/statefulset/controller.test.ts'
const job = 'controllers/job/controller.test.ts'
const cronJob = 'controllers/cronjob/plan.test.ts'
const autoscaler = 'controllers/horizontal-pod-autoscaler/controller.test.ts'
const proportions = 'controllers/horizontal-pod-autoscaler/replicas.test.ts'
const collector = 'controllers/garbage-collector/controller.test.ts'
const nodeLifecycle = 'controllers/node-lifecycle/controller.test.ts'
const taintEviction = 'controllers/taint-eviction/controller.test.ts'
const endpoints = 'controllers/endpoints/stories.test.ts'
const slices = 'controllers/endpoint-slice/plan.test.ts'
const kubelet = 'kubelet/kubelet.test.ts'
const probing = 'kubelet/probes/probe-state.test.ts'
const killing = 'kubelet/sync/kill.test.ts'
const nodeFailure = 'test/scenario/node-failure.test.ts'

const notRouted = 'services are not routed yet'
const all = 'HPA: tolerance 10%, treats missing and unready pods asymmetrically, max over metrics, 5 min downscale window; '
const hpa = `${all}desired from the ready count, not the spec`

/** The thirty behaviours that re-implementations of Kubernetes most often get wrong, clause by clause. */
export const thirty: Readonly<Record<string, Promises>> = {
  '1 What a pod asks for': {
    'real requests are summed for fitting; 100m and 200Mi are assumed for scoring by allocation only': {
      [scheduler]: [
        'real requests are summed for fitting, the defaults of 100m and 200Mi only for scoring by allocation, not by balance',
      ],
    },
  },
  '2 Init containers': {
    'the most of any step with the sidecars before it, and overhead on top': {
      [scheduler]: ['init containers count the most of any step with the sidecars before it, and overhead comes last'],
    },
  },
  '3 Why no node takes a pod': {
    'one reason for each node, counts sorted as text, what preemption says at the end': {
      [scheduler]: [
        'only the first failing plugin of a node gives a reason; counts are sorted as text; what preemption says comes last',
      ],
    },
  },
  '4 Events in flight': {
    'what happens while a pod is being tried brings it back': {
      [scheduler]: ['events that arrive while a pod is being scheduled requeue it at once, not after five minutes'],
      [queue]: ['does not miss what happened while it was being tried'],
    },
  },
  '5 Back-off': {
    'from the last attempt, one second to ten': {
      [scheduler]: ['back-off counts from the last attempt, one second to ten; errors skip the pool of the unschedulable'],
      [queue]: ['is doubled by every refusal, up to ten seconds, and counted from the last attempt'],
    },
    'errors do not wait for events': {
      [queue]: ['an error brings a pod back by time alone, and its count starts over after a refusal'],
    },
  },
  '6 Assumed pods': {
    'take their room before the bind is through; a failure gives it back and wakes others; a restart is harmless': {
      [scheduler]: [
        'assumed pods hold their room before the bind is through, a failed bind frees it and wakes others, a restart loses nothing',
      ],
      'scheduler/scheduler.test.ts': [
        'a bind that fails gives the room back to whoever waits for it, and the pod is tried again after its back-off',
      ],
    },
  },
  '7 Effects of taints': {
    'new pods keep away from NoSchedule and NoExecute; PreferNoSchedule only costs points': {
      [scheduler]: ['NoSchedule and NoExecute keep new pods away, PreferNoSchedule only costs points'],
    },
    'only NoExecute evicts': {
      [taintEviction]: ['NoSchedule and PreferNoSchedule taints evict nobody, NoExecute does'],
    },
    'the kubelet looks at NoExecute alone': {
      'api/placement/admit.test.ts': ['a taint that keeps away only new pods', 'a taint that drives out'],
    },
  },
  '8 Preemption': {
    'full grace, a nomination only, somewhere else if possible, budgets as far as possible': {
      [scheduler]: [
        'preemption deletes with the full grace of the victim and only nominates: the preemptor waits, may land elsewhere, and budgets are best effort',
      ],
    },
  },
  '9 Affinity between pods': {
    'the first of its kind, all terms at once, anti-affinity of those that are there': {
      [scheduler]: [
        'required affinity lets the first of its kind in, wants one pod to match all terms, and anti-affinity holds both ways',
      ],
    },
  },
  '10 Topology spread': {
    'eligible domains, nobody who is leaving, and oneself': {
      [scheduler]: ['topology spread counts eligible domains only, ignores pods on their way out, and counts the pod itself'],
    },
  },
  '11 Stale caches': {
    'make no pod twice and remove none too many': {
      [staleCache]: [
        'a set that is touched while the pod cache lags makes no pod twice',
        'nor does it remove more than are too many',
      ],
    },
    'pods that are ending do not count: their replacements start before they are gone': {
      [staleCache]: [
        'a stale cache makes no duplicates, and a replacement starts before the old pod is gone: terminating pods are not active',
      ],
    },
  },
  '12 Whom scaling down removes': {
    'unscheduled, pending, not ready, cheap, crowded, lately ready: in that order, whatever the age': {
      [replicaSet]: ['scale-down victims go by stage, cost, crowding and readiness, in that order, rather than oldest or newest'],
    },
  },
  '13 Which set is the new one': {
    'that of the same template, whatever its hash label': {
      [rollingPlans]: ['the new set is the oldest with the same template, whatever its hash label says'],
    },
    'going back uses the old set again, with a new number': {
      [deployment]: ['undoing brings the old set back under a new revision'],
      [rollingPlans]: ['revisions go up only, and an earlier number is remembered when a version comes back'],
    },
  },
  '14 Limits of a rolling update': {
    'surge is rounded up, unavailable down': {
      [rollingPlans]: ['%i replicas, surge %s, unavailable %s: %i and %i'],
    },
    'old pods that serve nobody go first; new ones that do not serve yet keep old ones': {
      [rollingPlans]: ['pods that serve nobody go first, from the oldest set on', 'missing new pods count against the old'],
    },
  },
  '15 Deadlines and pauses': {
    'a deadline is reported and stops nothing': {
      [deployment]: ['a rollout without progress is reported after its deadline, and goes on all the same'],
    },
    'a paused deployment scales': { [deployment]: ['a paused deployment scales but does not roll'] },
  },
  '16 StatefulSets': {
    'a name is used again only when its pod is gone': {
      [statefulSet]: ['StatefulSet waits for deletion to finish before recreating the same name'],
    },
    'updates begin with the highest number, one by one, in parallel sets, too': {
      [statefulSet]: [
        'StatefulSet updates go from the highest ordinal, one by one, and an unready new pod stops them',
        'Parallel still updates one by one',
      ],
    },
    'claims stay': {
      'controllers/statefulset/claims.test.ts': ['PVCs survive by default: scaling down and up again finds the same claim'],
    },
  },
  '17 Jobs': {
    'finalizers keep pods until they are counted': {
      [job]: [
        '17: jobs count pods through finalizers, so that deleted pods still count',
        '17: a pod that ended while the controller was away is counted once, however often it starts',
        '17: the UIDs of ended pods are in the status before their finalizers go, and numbers only after',
      ],
    },
    'the limit counts pods with Never, restarts with OnFailure': {
      [job]: [
        '17: with Never each failed pod counts towards the back-off limit',
        '17: with OnFailure the restarts of containers count, and the job fails with its pod still running',
      ],
    },
  },
  '18 CronJobs': {
    'of missed runs only the newest is started': {
      [cronJob]: ['18: a cron job starts only the newest missed run'],
      'controllers/cronjob/controller.test.ts': [
        '18: a cron job starts only the newest missed run, when it has been suspended or nobody was there',
      ],
    },
    'names follow from the minute': { [cronJob]: ['18: names are those of the minute'] },
  },
  '19 Autoscalers': {
    'a tenth too much or too little changes nothing': { [autoscaler]: [hpa], [proportions]: ['near enough'] },
    'pods without figures and pods that are not ready count for whatever changes less': {
      [autoscaler]: ['pods of which nobody knows what they use'],
      [proportions]: [
        'up by less, as one is not ready',
        'not up, as those that are not ready will do',
        'down, without those that are not ready',
        'figures missing and a pod not ready: no change',
      ],
    },
    'the metric that wants most counts': { [autoscaler]: [hpa, 'others still speak for more, never for fewer'] },
    'going down waits five minutes': {
      [autoscaler]: [hpa],
      'controllers/horizontal-pod-autoscaler/limits.test.ts': [
        'going down waits five minutes from when it was first looked at, and says so',
      ],
    },
    'what is wanted is computed from ready pods': { [autoscaler]: [hpa], [proportions]: ['from those that are ready'] },
  },
  '20 Owners': {
    'are known by UID': { [collector]: ['an object whose owner never was, or bears another UID, goes'] },
    'background is the default': {
      [collector]: ['background is what happens when nothing is said'],
      'apiserver/deletion.test.ts': ['a plain object goes at once, as it was'],
    },
    'foreground waits for those that block': {
      [collector]: [
        'foreground: pods go first, then the set, then the deployment',
        'foreground waits only for dependents that block the deletion, though the others are deleted, too',
      ],
    },
    'an owner of another namespace is none': { [collector]: ['an owner in another namespace is no owner'] },
  },
  '21 Deletion of pods': {
    'DELETE marks a running pod': { 'apiserver/deletion.test.ts': ['a running pod gets its grace'] },
    'its kubelet has the last word': { [kubelet]: ['a deleted pod ends gracefully and its object goes last'] },
    'without its node it stays': {
      'controllers/pod-gc/controller.test.ts': [
        'DELETE only marks a running pod; on a node that is lost it stays Terminating for ever, unless by force or with its node',
      ],
      [nodeFailure]: ['a node falls silent: NotReady, tainted, its pods not ready, then evicted and replaced elsewhere'],
    },
  },
  '22 Silent nodes': {
    'Unknown after fifty seconds, with pods that are not ready': {
      [nodeLifecycle]: [
        'a node silent for 50 s becomes Unknown, with its NoSchedule taint at once and NoExecute a moment later; its pods are not ready',
      ],
    },
    'endpoints shrink long before anybody is evicted': {
      [endpoints]: ['pods of a node that falls silent leave the endpoints at once, long before they are evicted'],
    },
    'eviction after 300 s more': {
      [taintEviction]: ['pods leave a dead node 300 s after it was tainted, unless they tolerate it for longer or for ever'],
      'apiserver/admission.test.ts': ['DefaultTolerationSeconds'],
    },
    'one node after the other': { [nodeLifecycle]: ['nodes of a zone are tainted one per 10 s; another zone has its own turn'] },
    'nobody while all zones are down': {
      [nodeLifecycle]: [
        'with every zone down the taints go and nobody is evicted; when one is back, the others are tainted at the usual rate',
      ],
    },
  },
  '23 Crash loops': {
    'a reason for waiting in a pod that is Running; the first restart at once': {
      [kubelet]: ['a crashing container is started at once, then after 10, 20, 40 seconds'],
    },
    'who ran long enough starts over': {
      'kubelet/sync/crash-backoff.test.ts': ['a container that ran for more than ten minutes starts over'],
    },
    'the count outlives the kubelet': { [kubelet]: ['restart counts survive the kubelet'] },
  },
  '24 Probes': {
    'readiness restarts nobody': {
      [kubelet]: ['a pod that fails its readiness probe runs but is not ready, and is never restarted'],
    },
    'liveness waits for startup': { [probing]: ['before the container has started up others wait'] },
    'all containers and all gates make Ready': {
      [kubelet]: ['a readiness gate keeps the pod from being ready until somebody opens it'],
      'kubelet/status/conditions.test.ts': ['Ready copies what the containers say, and waits for the gates'],
    },
    'pods that are ending are still asked whether they are ready, not whether they live': {
      [probing]: ['deleting: liveness stops', 'deleting: readiness goes on'],
    },
  },
  '25 Ending': {
    'a hook takes its time from the grace, of which two seconds remain': {
      [killing]: ['preStop takes its time from the grace; two seconds always remain'],
    },
    'side by side, sidecars last and in reverse': {
      [killing]: ['containers end side by side, sidecars after them in reverse, all within the same grace'],
    },
  },
  '26 Restarts': {
    'of a container keep address, volumes and what is in them': {
      [kubelet]: ['a container that restarts keeps the address of its pod, its volumes and what is in its emptyDir'],
      'test/docker/pods.test.ts': ['a container that is killed comes back in the same pod, at the same address'],
    },
    'of a sandbox begin with the init containers, at another address': {
      [kubelet]: ['a pod whose sandbox dies starts over in a new one'],
      'kubelet/workers/pod-workers.test.ts': [
        'in a new sandbox every init container runs again, one after the other, before the others do',
      ],
    },
  },
  '27 What follows a ConfigMap': {
    'files, all at once, a little later': {
      'kubelet/volumes/atomic-writer.test.ts': ['files appear through ..data, and change all at once'],
      [kubelet]: ['a ConfigMap volume follows its ConfigMap and goes with the pod'],
    },
    'variables do not': {
      [kubelet]: [
        'variables never follow their ConfigMap: a container keeps those it was made with, the next one has the new ones',
      ],
    },
    'what is mounted by subPath does not': {
      'test/docker/volumes.test.ts': ['a volume follows its objects; what is mounted by subPath does not'],
    },
  },
  '28 Eviction by the node': {
    'over the request, then by priority, then by how much': {
      'kubelet/eviction/eviction.test.ts': [
        'memory: unknown first, then above its request, then lower priority, then the larger excess',
      ],
    },
    'one pod a pass': {
      'kubelet/eviction/eviction-story.test.ts': [
        'one pod a pass, and the next pass a second after it has gone; critical and static pods stay',
      ],
    },
    'the pod stays as Failed and is replaced': {
      [kubelet]: ['a node short of memory evicts the pod that uses most above its request, and closes for a while'],
      'controllers/replicaset/controller.test.ts': ['finished pods are replaced'],
    },
  },
  '29 Services': {
    'ready, serving, terminating': {
      [endpoints]: ['endpoints: ready vs serving vs terminating, from a pod without an address to one that is gone'],
    },
    'addresses that are published although they are not ready': {
      [slices]: ['endpoints: ready vs serving vs terminating; publishNotReadyAddresses: a pod that is %s'],
    },
    'connections to a service without endpoints are refused': notRouted,
    'a pod that reaches itself through its service': notRouted,
    'affinity by the address of the client': notRouted,
  },
  '30 Defaults and identity': {
    'requests from limits': { 'api/core/pod.test.ts': ['a pod requests what it is limited to, and amounts are rounded up'] },
    'latest is pulled always': { 'api/core/pod.test.ts': ['the image %s is pulled always: %s'] },
    'the target port is the port': {
      'api/core/core-kinds.test.ts': ['the target port of a service is its port where nothing else is said'],
    },
    'quantities become canonical': {
      'api/quantity.test.ts': ['0.5'],
      'api/decode.test.ts': ['quantities become canonical, numbers too'],
    },
    'some fields never change': {
      'api/core/pod-validation.test.ts': ['the node', 'one container more'],
      'api/apps/workloads.test.ts': ['keeps its selector for good'],
    },
    'generation, resourceVersion and the status as a part of its own': {
      'apiserver/writes.test.ts': [
        'every change is a new resourceVersion, only a change of what is wanted a new generation; status and spec are written apart',
      ],
    },
  },
}
