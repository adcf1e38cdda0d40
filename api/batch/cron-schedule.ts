/** When a cron job runs: the minutes, hours and days that are meant, each in order. */
export interface CronSchedule {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly daysOfMonth: readonly number[]
  readonly months: readonly number[]
  /** Sunday is 0. */
  readonly daysOfWeek: readonly number[]
  /** Neither kind of day was left open: then a day of either kind will do. */
  readonly anyDayWillDo: boolean
}

/** `@every 1h30m`: with so much time in between. */
export interface Interval {
  readonly everyMs: number
}

interface Bounds {
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
]

const descriptors: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** Understands a schedule in cron's five fields or one of its words; throws an Error in the words of robfig/cron v3, which upstream uses. */
export function parseSchedule(given: string): CronSchedule | Interval {
  const text = given.replace(/^(?:CRON_)?TZ=\S* */, '').trim()
  if (text.startsWith('@every ')) return { everyMs: parseDuration(text.slice('@every '.length)) }
  const plain = Object.hasOwn(descriptors, text) ? descriptors[text] : undefined
  if (text.startsWith('@') && plain === undefined) throw new Error(`unrecognized descriptor: ${text}`)
  const fields = (plain ?? text).split(/\s+/).filter(field => field !== '')
  if (fields.length !== bounds.length) {
    throw new Error(`expected exactly ${bounds.length} fields, found ${fields.length}: [${fields.join(' ')}]`)
  }
  const sets = fields.map((field, i) => parseField(field, bounds[i] ?? { min: 0, max: 0 }))
  const [minutes = [], hours = [], daysOfMonth = [], months = [], daysOfWeek = []] = sets
  const isOpen = (field = '') => field.split(',').some(each => /^[*?](?:\/[01])?$/.test(each))
  return { minutes, hours, daysOfMonth, months, daysOfWeek, anyDayWillDo: !isOpen(fields[2]) && !isOpen(fields[4]) }
}

function parseField(field: string, within: Bounds): number[] {
  const all = new Set<number>()
  for (const part of field.split(',')) if (part !== '') for (const value of parseRange(part, within)) all.add(value)
  return [...all].sort((a, b) => a - b)
}

/** `*`, `5`, `1-5`, each with `/2` for every other one. */
function parseRange(text: string, { min, max, names }: Bounds): number[] {
  const [range = '', stepText, ...moreSteps] = text.split('/')
  const [low = '', high, ...moreLimits] = range.split('-')
  const isOpen = low === '*' || low === '?'
  const start = isOpen ? min : parseNumber(low, names)
  if (!isOpen && moreLimits.length > 0) throw new Error(`too many hyphens: ${text}`)
  let end = isOpen ? max : high === undefined ? start : parseNumber(high, names)
  if (moreSteps.length > 0) throw new Error(`too many slashes: ${text}`)
  const step = stepText === undefined ? 1 : parseNumber(stepText)
  if (stepText !== undefined && high === undefined) end = max
  if (start < min) throw new Error(`beginning of range (${start}) below minimum (${min}): ${text}`)
  if (end > max) throw new Error(`end of range (${end}) above maximum (${max}): ${text}`)
  if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${text}`)
  if (step === 0) throw new Error(`step of range should be a positive number: ${text}`)
  const values: number[] = []
  for (let value = start; value <= end; value += step) values.push(value)
  return values
}

function parseNumber(text: string, names?: readonly string[]): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1
  if (names && named >= 0) return names === months ? named + 1 : named
  if (!/^[+-]?\d+$/.test(text)) {
    throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  const value = Number(text)
  if (value < 0) throw new Error(`negative number (${value}) not allowed: ${text}`)
  return value
}

const unitsInMs: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Go's durations, `1h30m`; at least a second. */
function parseDuration(text: string): number {
  const parts = [...text.replace(/^[+-]/, '').matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy)]
  if (text === '' || parts.map(([part]) => part).join('') !== text.replace(/^[+-]/, '')) {
    throw new Error(`failed to parse duration @every ${text}: time: invalid duration ${JSON.stringify(text)}`)
  }
  const ms = parts.reduce((sum, [, amount, unit = 's']) => sum + Number(amount) * (unitsInMs[unit] ?? 0), 0)
  return Math.max(1000, text.startsWith('-') ? 0 : ms)
}
