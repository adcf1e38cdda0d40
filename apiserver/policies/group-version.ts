/** `apps/v1`, or `v1` of the core group. */
export function parseGroupVersion(apiVersion: string): { group: string; version: string } {
  const at = apiVersion.indexOf('/')
  return { group: apiVersion.slice(0, Math.max(at, 0)), version: apiVersion.slice(at + 1) }
}
