import type { PageAnswer } from './page.ts'

/** What is looked at when somebody asks after the kubelet's health; each says what is wrong, or nothing. */
export type HealthChecks = Readonly<Record<string, () => string | undefined>>

/** /healthz and /healthz/{check} (apiserver/pkg/server/healthz): `verbose` lists the checks, `exclude` leaves some out. */
export function health(checks: HealthChecks, path: string, query: URLSearchParams): PageAnswer | undefined {
  const name = path.slice('/healthz/'.length)
  if (name) {
    const check = checks[name]
    const found = check?.()
    if (!check) return undefined
    return found === undefined ? { text: 'ok' } : { status: 500, text: `internal server error: ${found}\n` }
  }
  const excluded = new Set(query.getAll('exclude'))
  const lines = Object.entries(checks).map(([each, check]) => {
    if (excluded.has(each)) return { isWell: true, text: `[+]${each} excluded: ok` }
    const isWell = check() === undefined
    return { isWell, text: isWell ? `[+]${each} ok` : `[-]${each} failed: reason withheld` }
  })
  const all = lines.map(({ text }) => `${text}\n`).join('')
  if (lines.some(({ isWell }) => !isWell)) return { status: 500, text: `${all}healthz check failed\n` }
  return { text: query.has('verbose') ? `${all}healthz check passed\n` : 'ok' }
}
