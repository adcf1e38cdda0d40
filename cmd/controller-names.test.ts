import { expect, test } from 'vitest'
import { enabledControllers, knownNames } from './controller-names.ts'
import { UsageError } from './flags.ts'
import { allControllers } from './own-controllers.ts'

/** What upstream has that is there here (cmd/kube-controller-manager/names/controller_names.go), and what only Wherry has. */
const upstream = [
  'bootstrap-signer-controller',
  'certificatesigningrequest-approving-controller',
  'certificatesigningrequest-cleaner-controller',
  'certificatesigningrequest-signing-controller',
  'clusterrole-aggregation-controller',
  'cronjob-controller',
  'daemonset-controller',
  'deployment-controller',
  'disruption-controller',
  'endpoints-controller',
  'endpointslice-controller',
  'endpointslice-mirroring-controller',
  'ephemeral-volume-controller',
  'garbage-collector-controller',
  'horizontal-pod-autoscaler-controller',
  'job-controller',
  'legacy-serviceaccount-token-cleaner-controller',
  'namespace-controller',
  'node-ipam-controller',
  'node-lifecycle-controller',
  'persistentvolume-attach-detach-controller',
  'persistentvolume-binder-controller',
  'persistentvolume-expander-controller',
  'persistentvolume-protection-controller',
  'persistentvolumeclaim-protection-controller',
  'pod-garbage-collector-controller',
  'replicaset-controller',
  'replicationcontroller-controller',
  'resourceclaim-controller',
  'resourcequota-controller',
  'root-ca-certificate-publisher-controller',
  'service-cidr-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'statefulset-controller',
  'storageversion-garbage-collector-controller',
  'taint-eviction-controller',
  'token-cleaner-controller',
  'ttl-after-finished-controller',
  'ttl-controller',
  'validatingadmissionpolicy-status-controller',
  'volumeattributesclass-protection-controller',
]
const ours = ['local-provisioner-controller']

test('every controller goes by a name of upstream, or is known to be of our own', () => {
  expect(knownNames(allControllers()).filter(name => !upstream.includes(name) && !ours.includes(name))).toEqual([])
})

const some = ['deployment', 'replicaset', 'claim-binder', 'volume-binder', 'csrsigning', 'garbage-collector'].map(name => ({
  name,
}))
const on = (list: string) => enabledControllers(some, list.split(',').filter(Boolean)).map(({ name }) => name)
const all = some.map(({ name }) => name)

test.each([
  ['*', all],
  ['', []],
  ['deployment-controller', ['deployment']],
  ['*,-deployment-controller', all.filter(name => name !== 'deployment')],
  ['-deployment-controller,*', all.filter(name => name !== 'deployment')],
  ['-deployment-controller', []],
  // Who comes first is right.
  ['deployment-controller,-deployment-controller', ['deployment']],
  ['-deployment-controller,deployment-controller', []],
  // Two of ours are one of upstream's.
  ['persistentvolume-binder-controller', ['claim-binder', 'volume-binder']],
  ['*,-persistentvolume-binder-controller', all.filter(name => !name.endsWith('binder'))],
  // Names of former times, which upstream takes still, and those that the journal shows.
  ['deployment,garbagecollector,csrsigning', ['deployment', 'csrsigning', 'garbage-collector']],
])('--controllers=%s', (list, expected) => expect(on(list)).toEqual(expected))

test.each(['Deployment-controller', 'nothing', '-nothing', '-*', 'deployment-'])(
  '%s is refused, with the list of those that are there',
  name => {
    expect(() => on(name)).toThrow(UsageError)
    expect(() => on(name)).toThrow(
      'is not in the list of known controllers: certificatesigningrequest-signing-controller, deployment-controller, garbage-collector-controller',
    )
  },
)
