import { milliValue } from '../../../api/quantity.ts'

/** What a simulated container does with its life. */
export interface Behaviour {
  startAfterInMs: number
  /** Why it cannot start. */
  startError?: string
  /** Ends by itself after this long; absent: runs until it is stopped. */
  runForInMs?: number
  exitCode: number
  /** How long it takes to end after the stop signal. */
  stopAfterInMs: number
  /** What commands that the shell does not know answer: how exec probes are steered. */
  isReady: boolean
  memoryInBytes: number
  cpuInMillicores: number
  /** Where it listens, and answers what it is told. */
  echoPorts: readonly number[]
}

export const behaviourPrefix = 'simulated.wherry.dev/'

const defaultMemoryInBytes = 8 * 1024 * 1024

/**
 * Reads `simulated.wherry.dev/<key>` annotations, in this order: the container's own, the pod's with `.<container>` appended, the pod's.
 * Values that make no sense count as absent.
 */
export function behaviourOf(
  container: string,
  own: Readonly<Record<string, string>>,
  pods: Readonly<Record<string, string>>,
): Behaviour {
  const read = (key: string) =>
    own[behaviourPrefix + key] ?? pods[`${behaviourPrefix}${key}.${container}`] ?? pods[behaviourPrefix + key]
  const exitCode = wholeNumber(read('exit-code'))
  return {
    startAfterInMs: durationInMs(read('start-after')) ?? 0,
    startError: read('start-error'),
    runForInMs: durationInMs(read('run-for')) ?? (exitCode === undefined ? undefined : 0),
    exitCode: exitCode ?? 0,
    stopAfterInMs: durationInMs(read('stop-after')) ?? 0,
    isReady: read('ready') !== 'false',
    memoryInBytes: quantityInMillis(read('memory'), defaultMemoryInBytes * 1000) / 1000,
    cpuInMillicores: quantityInMillis(read('cpu'), 1),
    echoPorts: (read('echo-ports') ?? '')
      .split(',')
      .map(Number)
      .filter(port => port > 0),
  }
}

const unitsInMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Durations as Go writes them: `500ms`, `2s`, `1m30s`. */
export function durationInMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined
  let sum = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) sum += Number(number) * (unitsInMs[unit ?? ''] ?? 0)
  return sum
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

function quantityInMillis(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  try {
    return milliValue(text)
  } catch {
    return otherwise
  }
}
