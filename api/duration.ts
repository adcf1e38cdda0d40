/**
 * A time span as tables show it: the two most telling units (k8s.io/apimachinery/pkg/util/duration HumanDuration). `95s`, `3m5s`,
 * `45m`, `4h5m`, `30h`, `3d4h`, `400d`, `2y30d`.
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 2 * minute) return `${seconds}s`
  const minutes = Math.trunc(seconds / minute)
  if (minutes < 10) return two(minutes, 'm', seconds % minute, 's')
  if (minutes < 3 * 60) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (days < 8) return two(days, 'd', hours % 24, 'h')
  if (days < 2 * 365) return `${days}d`
  const years = Math.trunc(days / 365)
  return years < 8 ? two(years, 'y', days % 365, 'd') : `${years}y`
}

const minute = 60
const two = (major: number, majorUnit: string, minor: number, minorUnit: string) =>
  minor === 0 ? `${major}${majorUnit}` : `${major}${majorUnit}${minor}${minorUnit}`

/** How long ago a moment was; `<unknown>` when there is none. */
export function ageOf(timestamp: string | undefined, now: number): string {
  return timestamp ? humanDuration(now - Date.parse(timestamp)) : '<unknown>'
}
