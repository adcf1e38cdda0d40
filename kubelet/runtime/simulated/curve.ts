import type { CurvePoint } from '../../../api/simulation/stages.ts'

/** An amount over time, in milliseconds since it began. */
export interface Curve {
  at(ms: number): number
  /** The sum over time until then, in amount × milliseconds, counting nothing above the cap. */
  integral(ms: number, cap?: number): number
  /** The first moment, not before the given one, at which it is above a limit; `undefined`: never. */
  firstAbove(limit: number, fromMs: number): number | undefined
}

/** Always the same. */
export function constant(is: number): Curve {
  return {
    at: () => is,
    integral: (ms, cap = Number.POSITIVE_INFINITY) => Math.min(is, cap) * ms,
    firstAbove: (limit, fromMs) => (is > limit ? fromMs : undefined),
  }
}

interface Segment {
  readonly from: number
  readonly to: number
  readonly begin: number
  readonly end: number
}

export interface CurveShape {
  /** Begins anew after the last point. */
  readonly repeat?: boolean | undefined
  /** Jumps from point to point instead of rising and falling evenly. */
  readonly steps?: boolean | undefined
}

/** Through the points, which are in order: even between them, level before the first and after the last. */
export function curveOf(points: readonly CurvePoint[], { repeat, steps }: CurveShape = {}): Curve {
  const [first] = points
  const last = points.at(-1)
  if (!first || !last) return constant(0)
  if (points.length === 1) return constant(first.is)
  const period = repeat && last.at > 0 ? last.at : undefined
  const segments = segmentsOf(points, steps ?? false, period === undefined)
  const inPeriod = (ms: number) => (period === undefined ? ms : ms % period)
  const area = (until: number, cap: number) => segments.reduce((sum, one) => sum + areaOf(one, until, cap), 0)
  const within = (limit: number, from: number): number | undefined => {
    for (const segment of segments) {
      const found = crossing(segment, limit, from)
      if (found !== undefined) return found
    }
    return undefined
  }
  return {
    at(ms) {
      const at = inPeriod(ms)
      const segment = segments.find(one => at >= one.from && at < one.to)
      return segment ? valueIn(segment, at) : last.is
    },
    integral(ms, cap = Number.POSITIVE_INFINITY) {
      if (period === undefined) return area(ms, cap)
      return Math.floor(ms / period) * area(period, cap) + area(ms % period, cap)
    },
    firstAbove(limit, fromMs) {
      if (period === undefined) return within(limit, fromMs)
      const begun = Math.floor(fromMs / period) * period
      const found = within(limit, fromMs - begun)
      if (found !== undefined) return begun + found
      const next = within(limit, 0)
      return next === undefined ? undefined : begun + period + next
    },
  }
}

function segmentsOf(points: readonly CurvePoint[], steps: boolean, goesOn: boolean): Segment[] {
  const segments: Segment[] = []
  const [first] = points
  if (first && first.at > 0) segments.push({ from: 0, to: first.at, begin: first.is, end: first.is })
  for (const [i, { at, is }] of points.entries()) {
    const next = points[i + 1]
    if (next) segments.push({ from: at, to: next.at, begin: is, end: steps ? is : next.is })
    else if (goesOn) segments.push({ from: at, to: Number.POSITIVE_INFINITY, begin: is, end: is })
  }
  return segments.filter(({ from, to }) => to > from)
}

function valueIn({ from, to, begin, end }: Segment, at: number): number {
  return begin === end ? begin : begin + ((end - begin) * (at - from)) / (to - from)
}

/** Below the lower of the segment and the cap. */
function areaOf(segment: Segment, until: number, cap: number): number {
  const { from } = segment
  const to = Math.min(segment.to, until)
  if (to <= from) return 0
  const [begin, end] = [valueIn(segment, from), valueIn(segment, to)]
  const whole = ((begin + end) / 2) * (to - from)
  if (Math.max(begin, end) <= cap) return whole
  if (Math.min(begin, end) >= cap) return cap * (to - from)
  // A triangle sticks out above the cap.
  const share = (Math.max(begin, end) - cap) / Math.abs(end - begin)
  return whole - (share * (to - from) * (Math.max(begin, end) - cap)) / 2
}

/** On whole milliseconds. */
function crossing(segment: Segment, limit: number, fromMs: number): number | undefined {
  const { from, to, begin, end } = segment
  if (fromMs >= to) return undefined
  const start = Math.max(from, fromMs)
  if (valueIn(segment, start) > limit) return start
  if (end <= limit || end <= begin) return undefined
  return Math.min(to, Math.floor(from + ((limit - begin) / (end - begin)) * (to - from)) + 1)
}
