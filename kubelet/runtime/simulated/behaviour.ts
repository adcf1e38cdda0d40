import { milliValue } from '../../../api/quantity.ts'
import { parseDuration, readStageList, type Stage } from '../../../api/simulation/stages.ts'
import { type Curve, constant } from './curve.ts'

/** What a simulated container does with its life as long as no stage says otherwise. */
export interface Behaviour {
  readonly startAfterInMs: number
  /** Why it cannot start. */
  readonly startError: string | undefined
  /** Ends by itself after this long; absent: runs until it is stopped. */
  readonly runForInMs: number | undefined
  readonly exitCode: number
  /** How long it takes to end after the stop signal. */
  readonly stopAfterInMs: number
  /** What commands that the shell does not know answer: how exec probes are steered. */
  readonly isReady: boolean
  readonly use: Use
  /** Where it listens, and answers what it is told. */
  readonly echoPorts: readonly number[]
}

/** What a container uses, over the time since it was started. Bytes, thousandths of a core, numbers. */
export interface Use {
  readonly memory: Curve
  readonly cpu: Curve
  readonly pids: Curve
  /** Its writable layer. */
  readonly disk: Curve
  readonly inodes: Curve
  /** Absent: as much as it has printed. */
  readonly logs: Curve | undefined
  /** Of emptyDirs, by name. */
  readonly volumes: Readonly<Record<string, Curve>> | undefined
}

export const behaviourPrefix = 'simulated.wherry.dev/'

/** Most containers have nothing else: one object for all of them. */
const usual: Behaviour = {
  startAfterInMs: 0,
  startError: undefined,
  runForInMs: undefined,
  exitCode: 0,
  stopAfterInMs: 0,
  isReady: true,
  use: {
    memory: constant(8 * 1024 * 1024),
    cpu: constant(1),
    pids: constant(1),
    disk: constant(0),
    inodes: constant(0),
    logs: undefined,
    volumes: undefined,
  },
  echoPorts: [],
}

type Annotations = Readonly<Record<string, string>>

/**
 * Reads `simulated.wherry.dev/<key>` annotations, in this order: the container's own, the pod's with `.<container>` appended, the pod's.
 * Values that make no sense count as absent.
 */
export function behaviourOf(container: string, own: Annotations, pods: Annotations): Behaviour {
  if (!isSteered(own) && !isSteered(pods)) return usual
  const read = (key: string) =>
    own[behaviourPrefix + key] ?? pods[`${behaviourPrefix}${key}.${container}`] ?? pods[behaviourPrefix + key]
  const exitCode = wholeNumber(read('exit-code'))
  const memory = quantityInMillis(read('memory'))
  const cpu = quantityInMillis(read('cpu'))
  return {
    startAfterInMs: durationInMs(read('start-after')) ?? 0,
    startError: read('start-error'),
    runForInMs: durationInMs(read('run-for')) ?? (exitCode === undefined ? undefined : 0),
    exitCode: exitCode ?? 0,
    stopAfterInMs: durationInMs(read('stop-after')) ?? 0,
    isReady: read('ready') !== 'false',
    use: {
      ...usual.use,
      ...(memory !== undefined && { memory: constant(memory / 1000) }),
      ...(cpu !== undefined && { cpu: constant(cpu) }),
    },
    echoPorts: (read('echo-ports') ?? '')
      .split(',')
      .map(Number)
      .filter(port => port > 0),
  }
}

function isSteered(annotations: Annotations): boolean {
  for (const key in annotations) if (key.startsWith(behaviourPrefix)) return true
  return false
}

const stagesRead = new Map<string, readonly Stage[]>()
const mostTexts = 1000

/** The stages that a pod, or one of its containers, carries as JSON in `simulated.wherry.dev/stages`. Throws a StageFault. */
export function stagesOf(annotations: Annotations): readonly Stage[] | undefined {
  const text = annotations[`${behaviourPrefix}stages`]
  if (text === undefined) return undefined
  const known = stagesRead.get(text)
  if (known) return known
  const where = `annotation ${behaviourPrefix}stages`
  const { stages } = readStageList(parseJson(text, where), where)
  if (stagesRead.size >= mostTexts) stagesRead.clear()
  stagesRead.set(text, stages)
  return stages
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`${where} is no JSON`, { cause })
  }
}

/** Durations as Go writes them: `500ms`, `2s`, `1m30s`. */
export function durationInMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text)
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

function quantityInMillis(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  try {
    return milliValue(text)
  } catch {
    return undefined
  }
}
