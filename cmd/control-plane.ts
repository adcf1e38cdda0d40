import type { SchedulerConfiguration } from '../api/scheduler-config/configuration.ts'
import type { Transport } from '../api/transport.ts'
import { type UserInfo, users } from '../api/user.ts'
import type { Client } from '../client/client.ts'
import type { Controller } from '../client/controller.ts'
import { createEvents } from '../client/event-recorder.ts'
import type { EventRecorder } from '../client/events.ts'
import { createInformers } from '../client/informers.ts'
import { type ElectionTimes, runAsLeader } from '../client/leader-election.ts'
import { runControllers } from '../client/runtime.ts'
import { createClient } from '../client/typed-client.ts'
import type { AutoscalingOptions } from '../controllers/horizontal-pod-autoscaler/options.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import { type Run, runAll } from '../lib/run.ts'
import { createScheduler } from '../scheduler/scheduler.ts'

/** What of a control plane runs beside the API server, and how. */
export interface ControlPlaneOptions {
  /** As `--controllers` has it; absent: all. */
  readonly controllers?: readonly string[] | undefined
  /** They run in processes of their own, if anywhere. */
  readonly withoutControllers?: boolean | undefined
  readonly withoutScheduler?: boolean | undefined
  /** How autoscalers are worked, where not as usual. */
  readonly autoscaling?: Partial<AutoscalingOptions> | undefined
  /** How pods are placed, where not as usual. */
  readonly schedulerConfiguration?: SchedulerConfiguration | undefined
  /** `none`: they work without being elected; absent: elected as usual. */
  readonly election?: ElectionTimes | 'none' | undefined
}

export interface ComponentOptions extends Pick<ControlPlaneOptions, 'election'> {
  readonly transport: (user: UserInfo) => Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Who we are to other candidates for leadership. A data dir has one process at a time, so it may claim what its forerunner held. */
  readonly identity: string
  /** The longest wait between two tries to reach the API server. */
  readonly longestRetryInMs?: number | undefined
}

const leaseNamespace = 'kube-system'

/** What every component stands on: a client of its own name, its informers and its events. */
function foundation({ transport, clock, log, longestRetryInMs }: ComponentOptions, user: UserInfo, actor: string) {
  const client = createClient(transport(user), { defaultCause: { actor } })
  const own = log.child({ component: actor })
  return {
    client,
    log: own,
    informers: createInformers({ client, clock, log: own, longestRetryInMs }),
    events: createEvents({ client, clock, log: own }),
  }
}

interface Candidacy {
  readonly client: Client
  readonly log: Log
  /** The name of the Lease. */
  readonly name: string
  readonly events: EventRecorder
}

/** Runs it while we are the elected leader, or in any case where nobody is elected. */
function elected({ clock, random, identity, election }: ComponentOptions, candidacy: Candidacy, run: Run): Run {
  if (election === 'none') return run
  const { client, log, events, name } = candidacy
  const lease = { namespace: leaseNamespace, name }
  return runAsLeader({ client, clock, random, log, lease, identity, times: election, events }, run)
}

/** The controllers, of which only the elected leader's run. */
export function controllerManager(options: ComponentOptions & { controllers: readonly Controller[] }): Run {
  const { clock, random, controllers } = options
  const { client, log, informers, events } = foundation(options, users.controllerManager, 'controller-manager')
  const run = runControllers({ controllers, client, informers, clock, random, log, events })
  const name = 'kube-controller-manager'
  return signal =>
    runAll(
      [
        ['informers', informers.run],
        ['events', events.run],
        ['controllers', elected(options, { client, log, name, events: events.from(name) }, run)],
      ],
      signal,
    )
}

/** The scheduler, of which only the elected leader's runs. */
export function schedulerComponent(options: ComponentOptions & Pick<ControlPlaneOptions, 'schedulerConfiguration'>): Run {
  const { clock, random, schedulerConfiguration: configuration } = options
  const { client, log, informers, events } = foundation(options, users.scheduler, 'scheduler')
  const own = events.from('default-scheduler')
  const scheduler = createScheduler({
    client,
    informers,
    events: own,
    clock,
    random,
    log,
    ...(configuration && { configuration }),
  })
  return signal =>
    runAll(
      [
        ['informers', informers.run],
        ['events', events.run],
        ['scheduler', elected(options, { client, log, name: 'kube-scheduler', events: own }, scheduler.run)],
      ],
      signal,
    )
}
