import { exponentialBackoff } from '../../../lib/backoff.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Run } from '../../../lib/run.ts'
import { readable } from './connection.ts'
import type { DockerEngine } from './engine.ts'
import { type Labels, type Owner, ownerFilter, podUidOf } from './labels.ts'

/** What a kubelet does not know already; exec events, which probes cause by the dozen, tell it nothing. */
const telling = ['start', 'die', 'destroy']

/** Listens to the engine's events about our containers and connects again, with growing delays, whenever the stream ends. */
export function dockerEvents(
  engine: DockerEngine,
  owner: Owner,
  { clock, log }: { clock: Clock; log: Log },
  onEvent: (podUid: string | undefined) => void,
): Run {
  return async signal => {
    const backoff = exponentialBackoff({ initialInMs: 100, maxInMs: 5000 })
    for (let isFirst = true, wasLost = false; !signal.aborted; isFirst = false) {
      try {
        await listen(signal, () => {
          if (wasLost) log.info({ address: engine.address }, 'docker events are back')
          if (!isFirst) onEvent(undefined)
          wasLost = false
          backoff.reset()
        })
      } catch (err) {
        if (!wasLost) log.warn({ err }, 'docker events lost')
        wasLost = true
      }
      if (!signal.aborted) await clock.sleep(backoff.next(), signal)
    }
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
      for await (const event of jsonLines(given)) onEvent(podUidOf(event.Actor?.Attributes ?? {}))
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', stop)
      stop()
    }
    if (!signal.aborted) throw new Error('the event stream ended')
  }
}

function aborting(signal: AbortSignal): Promise<undefined> {
  return new Promise(resolve => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

interface EngineEvent {
  Actor?: { Attributes?: Labels }
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
