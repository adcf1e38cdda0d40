import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Informers } from '../client/informer.ts'
import type { Breather } from '../lib/breather.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Nominator } from './nominator.ts'
import type { VolumePromises } from './plugins/volume-binding.ts'
import type { SideTasks } from './side-tasks.ts'
import type { WaitingPods } from './waiting-pods.ts'

/** What the scheduler is made of. */
export interface SchedulerDependencies {
  readonly client: Client
  readonly informers: Informers
  readonly events: EventRecorder
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** What plugins may be made of. Only side tasks, `preBind` and `bind` may use the client. */
export interface PluginDependencies extends SchedulerDependencies {
  readonly nominator: Nominator
  readonly breather: Breather
  readonly sideTasks: SideTasks
  /** Absent: no plugin asks to wait. */
  readonly waiting?: WaitingPods
  /** Absent: there is one profile only. */
  readonly promised?: VolumePromises
  /** Tries a waiting pod again at once, whatever refused it. */
  activate(uid: string): void
}
