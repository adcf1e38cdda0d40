import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Informers } from '../client/informer.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { KubeletConfig } from './config.ts'
import type { KernelLog } from './eviction/oom-watch.ts'
import type { SignalSource } from './eviction/signals.ts'
import type { Machine } from './node/machine.ts'
import type { Check } from './probes/checks.ts'
import type { ContainerRuntime } from './runtime/runtime.ts'
import type { KubeletServerConfig } from './server/config.ts'
import type { ServingCertificate } from './server/server.ts'
import type { ShutdownSource } from './shutdown/shutdown.ts'
import type { KubeletSources } from './sources.ts'
import type { Mounter } from './volumes/mounter.ts'

/** What a kubelet is made of, and with. */
export interface KubeletOptions {
  nodeName: string
  /** Speaks as system:node:<nodeName>. */
  client: Client
  /** Its own narrow watches, for few nodes ... */
  informers?: Informers
  /** ... or what `sharedSources` gave for this node, for very many. */
  sources?: KubeletSources
  runtime: ContainerRuntime
  clock: Clock
  random: Random
  log: Log
  events: EventRecorder
  /** Pods' folders are below it. Belongs to this node alone. */
  rootDir: string
  machine: Machine
  config?: Partial<KubeletConfig>
  /** Where eviction gets its figures; absent: nothing is ever evicted. */
  signals?: SignalSource
  /** The kernel's log, where it tells of processes that it had to end; absent: nobody reads it. */
  kernelLog?: () => Promise<KernelLog | undefined>
  /** How probes ask; absent: over the real network and through exec. */
  check?: Check
  mounter?: Mounter
  /** Who says that the machine goes down; absent: only `shutDown` does. */
  shutdownSource?: ShutdownSource
  /** How it serves by HTTPS, which begins once the node is Ready; absent: not at all. */
  server?: Partial<KubeletServerConfig> & { readonly certificate: () => ServingCertificate }
}
