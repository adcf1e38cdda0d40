/** A time zone: by how much its clocks are ahead of UTC. */
export interface Zone {
  /** In milliseconds, at a moment in milliseconds since the epoch. */
  offsetAt(ms: number): number
}

export const utc: Zone = { offsetAt: () => 0 }

/** A time zone by its IANA name; throws a RangeError when there is none of that name. */
export function zoneOf(name: string): Zone {
  if (name === 'UTC' || name === 'Etc/UTC') return utc
  const numeric = 'numeric' as const
  const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric }
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, hourCycle: 'h23', ...fields })
  return {
    offsetAt(ms) {
      const shown: Record<string, number> = {}
      for (const { type, value } of format.formatToParts(ms)) shown[type] = Number(value)
      const { year = 0, month = 1, day, hour, minute, second } = shown
      return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000
    },
  }
}

/** The zone that this process lives in. */
export function localZoneName(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** What clocks show, as if they showed UTC: its UTC fields are the zone's. */
export function wallTime(zone: Zone, ms: number): Date {
  return new Date(ms + zone.offsetAt(ms))
}

/**
 * When clocks show something, `wall` being as wallTime answers it. What they show twice or never is resolved as Go does it (package time,
 * Date): the offset that holds when a UTC clock shows it, or else the one that holds at the moment so found.
 */
export function momentOf(zone: Zone, wall: number): number {
  const guess = zone.offsetAt(wall)
  return guess === 0 ? wall : wall - zone.offsetAt(wall - guess)
}

/** RFC 3339 with the zone's offset: `2026-06-01T12:00:00+02:00`. */
export function zonedTimestamp(zone: Zone, ms: number): string {
  const minutes = Math.round(zone.offsetAt(ms) / 60_000)
  const text = wallTime(zone, ms).toISOString().slice(0, 19)
  if (minutes === 0) return `${text}Z`
  const two = (value: number) => String(value).padStart(2, '0')
  return `${text}${minutes < 0 ? '-' : '+'}${two(Math.trunc(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`
}
