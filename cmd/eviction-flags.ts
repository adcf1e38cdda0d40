import { type Amounts, defaultEviction, type EvictionConfig, type Signal, signals } from '../kubelet/eviction/config.ts'
import { parseDuration, UsageError } from './flags.ts'
import type { KubeletFlags } from './kubelet-flags.ts'

/** `memory.available<100Mi,nodefs.available<10%` or, with another sign between, `memory.available=30s`. */
function pairs(flag: string, text: string, sign: '<' | '='): [Signal, string][] {
  return text
    .split(',')
    .filter(Boolean)
    .map(part => {
      const [name = '', value = ''] = part.split(sign)
      const signal = signals.find(each => each === name.trim())
      if (!signal || !value)
        throw new UsageError(`--${flag}: "${part}" is not SIGNAL${sign}VALUE with a signal of ${signals.join(', ')}`)
      return [signal, value.trim()]
    })
}

function amounts(flag: string, text: string, sign: '<' | '='): Amounts {
  const found = pairs(flag, text, sign)
  for (const [, amount] of found) {
    if (!/^\d+(\.\d+)?(%|[KMGT]i?|k)?$/.test(amount))
      throw new UsageError(`--${flag}: "${amount}" is neither a quantity nor a percentage`)
  }
  return Object.fromEntries(found)
}

/** The eviction settings that the flags of `wherry up` ask for. Throws a UsageError. */
export function evictionConfig(options: KubeletFlags): EvictionConfig {
  const { evictionHard, evictionSoft, evictionSoftGracePeriod, evictionMinimumReclaim, evictionTransitionPeriodInMs } = options
  const soft = evictionSoft === undefined ? {} : amounts('eviction-soft', evictionSoft, '<')
  const graces = pairs('eviction-soft-grace-period', evictionSoftGracePeriod ?? '', '=')
  const softGraceInMs = Object.fromEntries(
    graces.map(([signal, text]) => [signal, parseDuration('eviction-soft-grace-period', text)]),
  )
  for (const signal of Object.keys(soft)) {
    if (!(signal in softGraceInMs)) throw new UsageError(`--eviction-soft: ${signal} needs an --eviction-soft-grace-period`)
  }
  return {
    ...defaultEviction,
    ...(evictionHard !== undefined && { hard: amounts('eviction-hard', evictionHard, '<') }),
    soft,
    softGraceInMs,
    ...(evictionMinimumReclaim !== undefined && {
      minimumReclaim: amounts('eviction-minimum-reclaim', evictionMinimumReclaim, '='),
    }),
    ...(evictionTransitionPeriodInMs !== undefined && { transitionPeriodInMs: evictionTransitionPeriodInMs }),
    ...(options.evictionMaxPodGraceSeconds !== undefined && { maxPodGraceSeconds: options.evictionMaxPodGraceSeconds }),
    // Figures from a file change when somebody edits it, who does not want to wait.
    ...(options.signals !== undefined && { everyMs: 1000 }),
  }
}
