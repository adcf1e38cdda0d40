/** What is told of one thing: its labels, in the order they are written, and a number; `at` in milliseconds since the epoch. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
  readonly at?: number
  /** Added to the family's name: `_bucket`. */
  readonly suffix?: string
}

export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** Prometheus' text format, version 0.0.4. Families without samples are left out. */
export function metricText(families: readonly Family[]): string {
  const lines: string[] = []
  for (const { name, type, help, samples } of families) {
    if (samples.length === 0) continue
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const { labels = {}, value, at, suffix = '' } of samples) {
      lines.push(`${name}${suffix}${labelText(labels)} ${value}${at === undefined ? '' : ` ${at}`}`)
    }
  }
  return `${lines.join('\n')}\n`
}

export const metricContentType = 'text/plain; version=0.0.4; charset=utf-8'

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escaped = (text: string) => text.replace(/[\\"\n]/g, sign => (sign === '\n' ? '\\n' : `\\${sign}`))
