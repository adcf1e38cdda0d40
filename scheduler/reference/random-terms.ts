import type { Dice } from './dice.ts'

/** Words that labels and selectors of random clusters are made of: few, so that things meet. */
export const words = {
  namespaces: ['default', 'team-a', 'team-b'],
  apps: ['a', 'b', 'c'],
  zones: ['za', 'zb', 'zc'],
  keys: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname', 'topology.kubernetes.io/region', 'rack'],
}

export function labelSelector({ of, once }: Dice): object | undefined {
  if (once(12)) return undefined
  if (once(12)) return {}
  const app = of(...words.apps)
  if (once(2)) return { matchLabels: { app } }
  return {
    matchExpressions: [
      of<object>(
        { key: 'app', operator: 'In', values: [app, of(...words.apps)] },
        { key: 'app', operator: 'NotIn', values: [app] },
        { key: 'rev', operator: 'Exists' },
        { key: 'rev', operator: 'DoesNotExist' },
      ),
    ],
  }
}

function podTerm(dice: Dice): object {
  const { of, once } = dice
  const namespaces = once(4) ? [of(...words.namespaces)] : undefined
  const namespaceSelector = once(4)
    ? of<object>(
        {},
        { matchLabels: { env: 'prod' } },
        { matchExpressions: [{ key: 'env', operator: 'NotIn', values: ['prod'] }] },
      )
    : undefined
  return {
    topologyKey: of(...words.keys),
    labelSelector: labelSelector(dice),
    ...(namespaces && { namespaces }),
    ...(namespaceSelector && { namespaceSelector }),
  }
}

const weighted = (dice: Dice) => ({ weight: 1 + dice.below(100), podAffinityTerm: podTerm(dice) })

/** Pod affinity and anti-affinity; most have one sort only. */
export function podAffinity(dice: Dice): object {
  const one = (required: boolean, preferred: boolean) => ({
    ...(required && { requiredDuringSchedulingIgnoredDuringExecution: [podTerm(dice), ...dice.list(1, () => podTerm(dice))] }),
    ...(preferred && {
      preferredDuringSchedulingIgnoredDuringExecution: [weighted(dice), ...dice.list(1, () => weighted(dice))],
    }),
  })
  return {
    ...(dice.once(2) && { podAffinity: one(dice.once(3), dice.once(2)) }),
    ...(dice.once(2) && { podAntiAffinity: one(dice.once(2), dice.once(2)) }),
  }
}

function requirement({ of, below }: Dice): object {
  const value = of(...words.zones)
  return of<object>(
    { key: 'topology.kubernetes.io/zone', operator: 'In', values: [value, of(...words.zones)] },
    { key: 'topology.kubernetes.io/zone', operator: 'NotIn', values: [value] },
    { key: 'disk', operator: 'Exists' },
    { key: 'disk', operator: 'DoesNotExist' },
    { key: 'disk', operator: 'In', values: ['ssd'] },
    { key: 'size', operator: 'Gt', values: [String(below(6))] },
    { key: 'size', operator: 'Lt', values: [String(below(6))] },
  )
}

function nodeTerm(dice: Dice, nodes: readonly string[]): object {
  const { once, of, list } = dice
  if (once(20)) return {}
  const field = () => ({ key: 'metadata.name', operator: once(5) ? 'NotIn' : 'In', values: [of(...nodes, 'node-of-nobody')] })
  return {
    ...(!once(4) && { matchExpressions: [requirement(dice), ...list(1, () => requirement(dice))] }),
    ...(once(5) && { matchFields: [field(), ...(once(6) ? [field()] : [])] }),
  }
}

export function nodeAffinity(dice: Dice, nodes: readonly string[]): object {
  const term = () => nodeTerm(dice, nodes)
  return {
    ...(dice.once(2) && {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term(), ...dice.list(1, term)] },
    }),
    ...(dice.once(2) && {
      preferredDuringSchedulingIgnoredDuringExecution: [1, ...dice.list(2, i => i)].map(() => ({
        weight: 1 + dice.below(100),
        preference: term(),
      })),
    }),
  }
}

/** Of every policy; the constraints of a pod differ in key or action. */
export function spreadConstraints(dice: Dice): object[] {
  const { of, once, below, some } = dice
  return some(words.keys, 3).map(topologyKey => {
    const whenUnsatisfiable = of('DoNotSchedule', 'ScheduleAnyway')
    return {
      topologyKey,
      whenUnsatisfiable,
      maxSkew: 1 + below(3),
      labelSelector: labelSelector(dice),
      ...(whenUnsatisfiable === 'DoNotSchedule' && once(4) && { minDomains: 1 + below(4) }),
      ...(once(3) && { nodeAffinityPolicy: of('Honor', 'Ignore') }),
      ...(once(3) && { nodeTaintsPolicy: of('Honor', 'Ignore') }),
      ...(once(5) && { matchLabelKeys: ['rev'] }),
    }
  })
}
