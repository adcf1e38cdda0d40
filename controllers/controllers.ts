import type { AnyKind } from '../api/kind.ts'
import type { Controller } from '../client/controller.ts'
import type { KeyPair } from '../lib/x509/certificate.ts'
import { attachDetach } from './attach-detach/controller.ts'
import { tokenCleaner } from './bootstrap-tokens/cleaner.ts'
import { bootstrapSigner } from './bootstrap-tokens/signer.ts'
import { certificateApproval } from './certificates/approval.ts'
import { certificateCleaner } from './certificates/cleaner.ts'
import { certificateSigning } from './certificates/signing.ts'
import { clusterRoleAggregation } from './cluster-role-aggregation/controller.ts'
import { cronJob } from './cronjob/controller.ts'
import { daemonSet } from './daemonset/controller.ts'
import { deployment } from './deployment/controller.ts'
import { disruption } from './disruption/controller.ts'
import { endpointSlice } from './endpoint-slice/controller.ts'
import { endpointSliceMirroring } from './endpoint-slice-mirroring/controller.ts'
import { endpoints } from './endpoints/controller.ts'
import { ephemeralVolume } from './ephemeral-volume/controller.ts'
import { garbageCollector } from './garbage-collector/controller.ts'
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler/controller.ts'
import type { AutoscalingOptions } from './horizontal-pod-autoscaler/options.ts'
import { job } from './job/controller.ts'
import { jobOrphans } from './job/orphans.ts'
import { localProvisioner, type VolumeFolders } from './local-provisioner/controller.ts'
import { namespace } from './namespace/controller.ts'
import { type NodeRange, nodeIpam } from './node-ipam/controller.ts'
import { type NodeLifecycleOptions, nodeLifecycle } from './node-lifecycle/controller.ts'
import { nodeTaints } from './node-lifecycle/node-taints.ts'
import { claimBinder } from './persistent-volume/claim-controller.ts'
import { claimProtector, volumeProtector } from './persistent-volume/protection.ts'
import { volumePhases } from './persistent-volume/volume-controller.ts'
import { podGc } from './pod-gc/controller.ts'
import { replicaSet, replicationController } from './replicaset/controller.ts'
import { resourceQuota } from './resource-quota/controller.ts'
import { rootCaPublisher } from './service-account/root-ca-publisher.ts'
import { serviceAccount } from './service-account/service-account.ts'
import { statefulSet } from './statefulset/controller.ts'
import { taintEviction } from './taint-eviction/controller.ts'
import { ttl } from './ttl/controller.ts'
import { ttlAfterFinished } from './ttl-after-finished/controller.ts'
import { volumeExpansion } from './volume-expansion/controller.ts'

export interface ControllerOptions {
  /** Every kind that is served: what the garbage collector follows and a namespace may contain. */
  kinds: readonly AnyKind[]
  /** The cluster's certificate authority, PEM. */
  authority: KeyPair
  /** How long the certificates that it signs are good for at most; default a year. */
  signingDurationInMs?: number | undefined
  /** When nodes that say nothing are given up. */
  nodeLifecycle?: NodeLifecycleOptions | undefined
  /** How autoscalers are worked, where not as usual. */
  autoscaling?: Partial<AutoscalingOptions> | undefined
  /** From which addresses the pods of which nodes get theirs. */
  nodeRanges: readonly NodeRange[]
  /** Where the default provisioner keeps data. */
  volumes: VolumeFolders
}

/** Every controller there is. */
export function controllers({
  kinds: served,
  authority,
  signingDurationInMs,
  nodeLifecycle: patience,
  autoscaling,
  nodeRanges,
  volumes,
}: ControllerOptions): readonly Controller[] {
  // Other versions of a kind show the same objects once more.
  const kinds = served.filter(({ storedAs }) => !storedAs)
  return [
    deployment,
    replicaSet,
    statefulSet,
    daemonSet(),
    job(),
    jobOrphans,
    cronJob(),
    ttlAfterFinished,
    replicationController,
    garbageCollector(kinds),
    namespace(kinds),
    serviceAccount,
    rootCaPublisher(authority.certificate),
    certificateApproval,
    certificateSigning({ authority, durationInMs: signingDurationInMs }),
    certificateCleaner,
    bootstrapSigner,
    tokenCleaner,
    clusterRoleAggregation,
    nodeIpam(nodeRanges),
    nodeTaints,
    nodeLifecycle(patience),
    taintEviction(),
    podGc(),
    disruption(kinds),
    endpoints(),
    endpointSlice(),
    endpointSliceMirroring(),
    ttl(),
    resourceQuota(kinds),
    claimBinder(),
    volumePhases,
    claimProtector,
    volumeProtector,
    ephemeralVolume,
    attachDetach(),
    volumeExpansion,
    horizontalPodAutoscaler(kinds, autoscaling),
    localProvisioner(volumes),
  ]
}
