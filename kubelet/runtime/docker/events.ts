import { exponentialBackoff } from '../../../lib/backoff.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Run } from '../../../lib/run.ts'
import { readable, unless } from './connection.ts'
import type { DockerEngine } from './engine.ts'
import { type Labels, labelsFromName, type Owner, ownerFilter, ownLabel, podUidOf } from './labels.ts'

/** What a kubelet does not know already; exec events, which probes cause by the dozen, tell it nothing. By a new name a warm sandbox is taken. */
const telling = ['start', 'die', 'destroy', 'oom', 'rename']

/** Listens to the engine's events about our containers and connects again, with growing delays, whenever the stream ends. */
export function dockerEvents(
  engine: DockerEngine,
  owner: Owner,
  { clock, log }: { clock: Clock; log: Log },
  onEvent: (podUid: string | undefined) => void,
  onLink: (isUp: boolean) => void = () => {},
): Run {
  return async signal => {
    const backoff = exponentialBackoff({ initialInMs: 100, maxInMs: 5000 })
    for (let isFirst = true, wasLost = false; !signal.aborted; isFirst = false) {
      try {
        await listen(signal, () => {
          if (wasLost) log.info({ address: engine.address }, 'docker events are back')
          onLink(true)
          if (!isFirst) onEvent(undefined)
          wasLost = false
          backoff.reset()
        })
      } catch (err) {
        if (!wasLost) log.warn({ err }, 'docker events lost')
        wasLost = true
      }
      onLink(false)
      if (!signal.aborted) await clock.sleep(backoff.next(), signal)
    }
  }

  /** Dockerd tells of a death while it still buries the container, and lists it as running until that is done. */
  async function tell({ Action, Actor }: EngineEvent): Promise<void> {
    if (Action === 'die' && Actor?.ID) await buried(engine, Actor.ID).catch(() => undefined)
    const { name = '', ...labels } = Actor?.Attributes ?? {}
    if (labels[ownLabel.warm] === undefined) return onEvent(podUidOf(labels))
    const taken = labelsFromName(name)
    if (taken) onEvent(podUidOf(taken)) // one that waits is no pod's
  }

  async function listen(signal: AbortSignal, onOpen: () => void): Promise<void> {
    const filters = { type: ['container'], label: ownerFilter(owner), event: telling }
    const opening = engine.open(docker => docker.getEvents({ filters: filters as Record<string, string[]> })).then(readable)
    const given = await Promise.race([opening, aborting(signal)])
    if (!given) return void opening.then(late => late.destroy()).catch(() => undefined)
    const stop = () => given.destroy()
    signal.addEventListener('abort', stop, { once: true })
    onOpen()
    try {
      for await (const event of jsonLines(given)) void tell(event)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', stop)
      stop()
    }
    if (!signal.aborted) throw new Error('the event stream ended')
  }
}

/**
 * Resolves when the list shows how a container ended that has just done so. Until then dockerd holds its lock, which an inspection waits
 * for (moby daemon/monitor.go, handleContainerExit: the lock goes after Cleanup and CheckpointTo).
 */
export async function buried(engine: DockerEngine, id: string): Promise<void> {
  await engine.read(docker => docker.getContainer(id).inspect()).catch(unless(404))
}

function aborting(signal: AbortSignal): Promise<undefined> {
  return new Promise(resolve => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

interface EngineEvent {
  Action?: string
  Actor?: { ID?: string; Attributes?: Labels }
}

/** Docker sends one JSON object a line, and cuts them wherever it likes. */
export async function* jsonLines(source: AsyncIterable<Uint8Array>): AsyncIterable<EngineEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as EngineEvent
  }
}
