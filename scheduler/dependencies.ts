import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Informers } from '../client/informer.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Breather } from './breather.ts'
import type { Nominator } from './nominator.ts'
import type { SideTasks } from './side-tasks.ts'

/** What the scheduler is made of. */
export interface SchedulerDependencies {
  readonly client: Client
  readonly informers: Informers
  readonly events: EventRecorder
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** What plugins may be made of. Only side tasks and `preBind` may use the client. */
export interface PluginDependencies extends SchedulerDependencies {
  readonly nominator: Nominator
  readonly breather: Breather
  readonly sideTasks: SideTasks
  /** Lets a pod that its gate kept out try again. */
  reconsider(uid: string): void
  /** Tries a waiting pod again, whatever refused it. */
  retry(uid: string): void
}
