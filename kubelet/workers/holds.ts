import type { KubeletContext } from '../context.ts'
import type { PodActions } from '../sync/actions.ts'
import type { SyncOutcome } from '../sync/sync-pod.ts'
import { jittered, type Worker } from './worker.ts'

/** What failed a moment ago is left alone for a while. */
export interface Holds {
  /** The actions that may be tried now. */
  free(worker: Worker, actions: PodActions): PodActions
  /** Keeps what went wrong, for the status and for when to try again. */
  learn(worker: Worker, outcome: SyncOutcome): void
  /** Milliseconds until the first of them may be tried again; Infinity: none is held. */
  left(worker: Worker): number
}

export function podHolds({ clock, config, random, log }: Pick<KubeletContext, 'clock' | 'config' | 'random' | 'log'>): Holds {
  return {
    free(worker, actions) {
      const now = clock.now()
      const isFree = (name: string) => (worker.startErrors.get(name)?.until ?? 0) <= now
      const isHeld = worker.heldUntil > now
      const free = (names: string[]) => (isHeld ? [] : names.filter(isFree))
      const left = {
        ...actions,
        initToStart: free(actions.initToStart),
        ephemeralToStart: free(actions.ephemeralToStart),
        appsToStart: free(actions.appsToStart),
      }
      const startsNothing = left.initToStart.length + left.ephemeralToStart.length + left.appsToStart.length === 0
      // A new sandbox that nothing would run in yet can wait as well.
      return actions.createSandbox && startsNothing ? { ...left, createSandbox: false, killPod: false } : left
    },

    learn(worker, { started, errors, failure }) {
      for (const name of started) worker.startErrors.delete(name)
      const later = () => jittered(config.retryEveryMs, random)
      for (const [name, { reason, message, retryInMs }] of errors)
        worker.startErrors.set(name, { reason, message, until: clock.now() + (retryInMs ?? later()) })
      if (failure) {
        worker.heldUntil = clock.now() + (failure.retryInMs ?? later())
        worker.note = { rule: 'kubelet/not-started', text: `${failure.reason}: ${failure.message}` }
        if (!worker.interrupt.signal.aborted)
          log.info({ pod: worker.pod.metadata.name, reason: failure.message }, 'pod not started')
      }
      const texts = started.map(name => `started container ${name}`)
      for (const [name, { reason, message }] of errors) texts.push(`container ${name}: ${reason}: ${message}`)
      if (texts.length > 0)
        worker.note = { rule: started.length > 0 ? 'kubelet/started' : 'kubelet/back-off', text: texts.join('; ') }
    },

    left(worker) {
      const now = clock.now()
      const ends = [worker.heldUntil, ...[...worker.startErrors.values()].map(error => error.until)].filter(until => until > now)
      return ends.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...ends) - now
    },
  }
}
