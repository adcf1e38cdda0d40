import type { Stage } from '../../../api/simulation/stages.ts'
import type { Run } from '../../../lib/run.ts'
import type { NodeRecords, SimulatedEngine } from './engine.ts'
import type { Subject } from './stage-book.ts'

interface Surroundings {
  readonly engine: SimulatedEngine
  readonly records: NodeRecords
  readonly subject: Subject
}

/** Whether a node reaches its engine now. */
export function isLinked(engine: SimulatedEngine, subject: Subject): boolean {
  return engine.isReachable && !engine.book.ofNode(subject).some(({ unreachable }) => unreachable)
}

const isAboutLink = ({ unreachable }: Stage) => unreachable === true

/** Hints of one node. A clock runs only where a stage says that the engine will be away. */
export function watchNode(
  { engine, records, subject }: Surroundings,
  onEvent: (podUid: string | undefined) => void,
  onLink: (isUp: boolean) => void = () => {},
): Run {
  return async signal => {
    const listener = (podUid: string | undefined) => {
      if (!wasUp || !isLinked(engine, subject)) return
      if (!engine.book.ofNode(subject).some(({ eventsLost }) => eventsLost)) onEvent(podUid)
    }
    let wasUp = isLinked(engine, subject)
    records.listeners.add(listener)
    onLink(wasUp)
    while (!signal.aborted) {
      const looked = new AbortController()
      const either = AbortSignal.any([signal, looked.signal])
      const edge = engine.book.nextEdgeInMs(subject.node, isAboutLink)
      const rung = engine.reachability.wait(either)
      await (edge === undefined ? rung : Promise.race([rung, engine.clock.sleep(edge, either)]))
      looked.abort()
      if (signal.aborted) break
      const isUp = isLinked(engine, subject)
      if (isUp === wasUp) continue
      wasUp = isUp
      onLink(isUp)
      if (isUp) onEvent(undefined)
    }
    records.listeners.delete(listener)
  }
}
