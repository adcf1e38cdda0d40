import { users } from '../api/user.ts'
import { createEvents } from '../client/event-recorder.ts'
import { createInformers } from '../client/informers.ts'
import { runAsLeader } from '../client/leader-election.ts'
import { runControllers } from '../client/runtime.ts'
import { createClient } from '../client/typed-client.ts'
import type { Controller } from '../client/controller.ts'
import type { Transport } from '../api/transport.ts'
import type { UserInfo } from '../api/user.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import { type Run, runAll } from '../lib/run.ts'
import { createScheduler } from '../scheduler/scheduler.ts'

export interface ComponentOptions {
  readonly transport: (user: UserInfo) => Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Who we are to other candidates for leadership. A data dir has one process at a time, so it may claim what its forerunner held. */
  readonly identity: string
}

const leaseNamespace = 'kube-system'

/** What every component stands on: a client of its own name, its informers and its events. */
function foundation({ transport, clock, log }: ComponentOptions, user: UserInfo, actor: string) {
  const client = createClient(transport(user), { defaultCause: { actor } })
  const own = log.child({ component: actor })
  return {
    client,
    log: own,
    informers: createInformers({ client, clock, log: own }),
    events: createEvents({ client, clock, log: own }),
  }
}

/** The controllers, of which only the elected leader's run. */
export function controllerManager(options: ComponentOptions & { controllers: readonly Controller[] }): Run {
  const { clock, random, identity, controllers } = options
  const { client, log, informers, events } = foundation(options, users.controllerManager, 'controller-manager')
  const run = runControllers({ controllers, client, informers, clock, random, log, events })
  const lease = { namespace: leaseNamespace, name: 'kube-controller-manager' }
  return signal =>
    runAll(
      [
        ['informers', informers.run],
        ['events', events.run],
        ['controllers', runAsLeader({ client, clock, random, log, lease, identity }, run)],
      ],
      signal,
    )
}

/** The scheduler, of which only the elected leader's runs. */
export function schedulerComponent(options: ComponentOptions): Run {
  const { clock, random, identity } = options
  const { client, log, informers, events } = foundation(options, users.scheduler, 'scheduler')
  const scheduler = createScheduler({ client, informers, events: events.from('default-scheduler'), clock, random, log })
  const lease = { namespace: leaseNamespace, name: 'kube-scheduler' }
  return signal =>
    runAll(
      [
        ['informers', informers.run],
        ['events', events.run],
        ['scheduler', runAsLeader({ client, clock, random, log, lease, identity }, scheduler.run)],
      ],
      signal,
    )
}
