/** One thing that must hold for the server to be healthy: resolves with what is wrong, or nothing. */
export type HealthCheck = () => string | undefined | Promise<string | undefined>

export interface HealthAnswer {
  readonly code: 200 | 404 | 500
  readonly text: string
}

const roots = ['healthz', 'livez', 'readyz']

/**
 * Answers `/healthz`, `/livez`, `/readyz`, their `?verbose` and `?exclude=` forms and a path per check
 * (k8s.io/apiserver/pkg/server/healthz). `undefined` for other paths. Why a check failed stays in the log.
 */
export async function health(
  path: string,
  query: URLSearchParams,
  checks: Readonly<Record<string, HealthCheck>>,
): Promise<HealthAnswer | undefined> {
  const [, root = '', name, ...rest] = path.split('/')
  if (!roots.includes(root) || rest.length > 0) return undefined
  if (name) {
    const check = name === 'ping' ? () => undefined : checks[name]
    if (!check) return { code: 404, text: '404 page not found\n' }
    return (await check()) ? { code: 500, text: 'internal server error: failed\n' } : { code: 200, text: 'ok' }
  }
  const excluded = new Set(query.getAll('exclude'))
  const lines: string[] = []
  let isHealthy = true
  for (const [key, check] of [['ping', () => undefined] as const, ...Object.entries(checks)]) {
    const fault = excluded.has(key) ? undefined : await check()
    isHealthy &&= !fault
    lines.push(excluded.has(key) ? `[+]${key} excluded: ok` : fault ? `[-]${key} failed: reason withheld` : `[+]${key} ok`)
  }
  if (!isHealthy) return { code: 500, text: `${lines.join('\n')}\n${root} check failed\n` }
  return { code: 200, text: query.has('verbose') ? `${lines.join('\n')}\n${root} check passed\n` : 'ok' }
}
