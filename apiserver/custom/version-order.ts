const pattern = /^v(\d+)(?:(alpha|beta)(\d+))?$/
const maturity = (stage: string | undefined) => (stage === undefined ? 2 : stage === 'beta' ? 1 : 0)

/**
 * Orders the versions of a group, preferred first: stable before beta before alpha, higher before lower, all others by name behind
 * (k8s.io/apimachinery/pkg/version/helpers.go).
 */
export function compareVersions(a: string, b: string): number {
  const left = pattern.exec(a)
  const right = pattern.exec(b)
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0
  return (
    maturity(right[2]) - maturity(left[2]) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0)
  )
}
