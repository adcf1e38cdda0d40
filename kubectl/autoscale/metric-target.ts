import { formatQuantity, parseQuantity } from '../../api/quantity.ts'

/** What a number without a unit means. */
const units = { cpu: 'm', memory: 'Mi' } as const

/** A metric of autoscaling/v2: what pods should use of a resource. */
export interface ResourceMetric {
  readonly type: 'Resource'
  readonly resource: {
    readonly name: keyof typeof units
    readonly target:
      | { readonly type: 'Utilization'; readonly averageUtilization: number }
      | { readonly type: 'AverageValue'; readonly averageValue: string }
  }
}

/**
 * What `--cpu` and `--memory` say: `70%` of what pods ask for, `500m` or `200Mi` each, and a bare number in thousandths of a core
 * or MiB (kubectl 1.34, pkg/cmd/autoscale parseResourceInput). Throws what kubectl complains of.
 */
export function metricOf(name: keyof typeof units, given: string): ResourceMetric {
  const text = given.trim()
  if (text.endsWith('%')) {
    const percent = text.slice(0, -1)
    if (!/^\+?\d+$/.test(percent) || Number(percent) >= 2 ** 31) throw new Error(`invalid percentage value: ${percent}`)
    return { type: 'Resource', resource: { name, target: { type: 'Utilization', averageUtilization: Number(percent) } } }
  }
  const isBare = text !== '' && Number.isFinite(Number(text))
  try {
    const averageValue = formatQuantity(parseQuantity(isBare ? `${Number(text)}${units[name]}` : text))
    return { type: 'Resource', resource: { name, target: { type: 'AverageValue', averageValue } } }
  } catch {
    throw new Error(`invalid resource ${name} value: ${text}`)
  }
}
