import type { LabelSelectorObject } from '../../api/selectors.ts'

/** A label selector as upstream's messages show it: `&LabelSelector{MatchLabels:map[string]string{a: b,},...}`, `nil` for none. */
export function goSelectorText(selector: LabelSelectorObject | undefined): string {
  if (!selector) return 'nil'
  const { matchLabels = {}, matchExpressions = [] } = selector
  const labels = Object.keys(matchLabels)
    .sort()
    .map(key => `${key}: ${matchLabels[key]},`)
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  )
  const maps = `MatchLabels:map[string]string{${labels.join('')}},`
  return `&LabelSelector{${maps}MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`
}
