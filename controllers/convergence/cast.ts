import { daemonSets } from './deeds/daemon-sets.ts'
import { deployments } from './deeds/deployments.ts'
import { graphs, namespacesTheme, quotas } from './deeds/graphs.ts'
import { cronJobs, jobs } from './deeds/jobs.ts'
import { nodes } from './deeds/nodes.ts'
import { pods } from './deeds/pods.ts'
import { processes } from './deeds/processes.ts'
import { replicaSets } from './deeds/replica-sets.ts'
import { autoscalers, budgets, services } from './deeds/services.ts'
import { statefulSets } from './deeds/stateful-sets.ts'
import { storage } from './deeds/storage.ts'
import { budgetsAreRight, nobodyFearsForNothing, scalersAreSettled } from './invariants/budgets.ts'
import { namespacesAreWhole, nodesAreWell, podsHaveNodes } from './invariants/cluster.ts'
import { daemonSetsAreComplete, revisionsAreInOrder } from './invariants/daemon-sets.ts'
import { cronJobsKeepOrder, jobsAreOver, noPodWaitsToBeCounted } from './invariants/jobs.ts'
import { boundStaysBound, nothingOwnedIsCollected, podsGoFirst, rangesStay } from './invariants/moments-cluster.ts'
import { revisionsOnlyRise, withinSurgeAndUnavailability } from './invariants/moments-deployments.ts'
import { countersOnlyRise, everyPodCountsOnce, noJobBesideAnother } from './invariants/moments-jobs.ts'
import { neverTooMany, neverTwoDaemonsOnANode, oneAfterTheOther } from './invariants/moments-pods.ts'
import { atMostOneController, noOrphans, nothingIsLeaving, ownedAreSelected } from './invariants/owners.ts'
import { quotasAreCounted } from './invariants/quotas.ts'
import { deploymentsAreComplete, replicaSetsAreFull } from './invariants/replica-sets.ts'
import { endpointsNameThePods, slicesNameThePods } from './invariants/services.ts'
import { claimsAreKeptAsWanted, statefulSetsAreComplete } from './invariants/stateful-sets.ts'
import { boundOneToOne, noVolumeIsOverlooked } from './invariants/volumes.ts'
import type { Cast } from './story.ts'

/** Everything that may happen, and everything that must hold. */
export const cast: Cast = {
  always: [pods, nodes, processes],
  themes: [
    ...[deployments, replicaSets, statefulSets, daemonSets, jobs, cronJobs],
    ...[services, budgets, autoscalers, storage, graphs, namespacesTheme, quotas],
  ],
  invariants: [
    ...[noOrphans, atMostOneController, nothingIsLeaving, ownedAreSelected],
    ...[replicaSetsAreFull, deploymentsAreComplete, statefulSetsAreComplete, claimsAreKeptAsWanted],
    ...[daemonSetsAreComplete, revisionsAreInOrder, jobsAreOver, noPodWaitsToBeCounted, cronJobsKeepOrder],
    ...[slicesNameThePods, endpointsNameThePods, budgetsAreRight, nobodyFearsForNothing, scalersAreSettled],
    ...[quotasAreCounted, namespacesAreWhole, nodesAreWell, podsHaveNodes, boundOneToOne, noVolumeIsOverlooked],
  ],
  onlookers: () => [nothingOwnedIsCollected, podsGoFirst, boundStaysBound, rangesStay, revisionsOnlyRise, countersOnlyRise],
  strictOnlookers: () => [
    ...[neverTooMany(), neverTwoDaemonsOnANode(), oneAfterTheOther(), withinSurgeAndUnavailability()],
    ...[everyPodCountsOnce(), noJobBesideAnother()],
  ],
}
