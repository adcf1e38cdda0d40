import { value } from '../api/quantity.ts'
import type { KubeletConfig } from '../kubelet/config.ts'
import { defaultContainerGarbage, defaultImageGarbage, defaultKeptLogs } from '../kubelet/garbage/config.ts'
import { oneOf, parseDuration, UsageError, wholeNumber } from './flags.ts'
import type { GarbageFlags } from './kubelet-flags.ts'

export interface GarbageSettings {
  readonly config: Pick<KubeletConfig, 'systemReserved' | 'kubeReserved' | 'imageGarbage' | 'containerGarbage' | 'keptLogs'>
  readonly logLimits: { readonly maxBytes: number; readonly maxFiles: number }
}

/** The settings that flags of `wherry up` ask for. Throws a UsageError. */
export function garbageSettings(flags: GarbageFlags = {}): GarbageSettings {
  const whole = (name: keyof GarbageFlags, otherwise: number, least: number, most: number) => {
    const text = flags[name]
    return text === undefined ? otherwise : wholeNumber(name, text, { least, most })
  }
  const percent = (name: keyof GarbageFlags, otherwise: number) => whole(name, otherwise, 0, 100)
  const duration = (name: keyof GarbageFlags, otherwise: number) => {
    const text = flags[name]
    return text === undefined ? otherwise : text === '0' ? 0 : parseDuration(name, text)
  }
  const highThresholdPercent = percent('image-gc-high-threshold', defaultImageGarbage.highThresholdPercent)
  const lowThresholdPercent = percent('image-gc-low-threshold', defaultImageGarbage.lowThresholdPercent)
  if (lowThresholdPercent >= highThresholdPercent)
    throw new UsageError('--image-gc-low-threshold must be lower than --image-gc-high-threshold')
  const scope = oneOf('image-gc-scope', flags['image-gc-scope'] ?? defaultImageGarbage.scope, ['own', 'all'])
  const { maxPerPodContainer, maxContainers } = defaultContainerGarbage
  return {
    config: {
      systemReserved: reserved('system-reserved', flags['system-reserved']),
      kubeReserved: reserved('kube-reserved', flags['kube-reserved']),
      imageGarbage: {
        ...defaultImageGarbage,
        highThresholdPercent,
        lowThresholdPercent,
        minimumAgeInMs: duration('minimum-image-ttl-duration', defaultImageGarbage.minimumAgeInMs),
        maximumAgeInMs: duration('maximum-image-ttl-duration', defaultImageGarbage.maximumAgeInMs),
        scope,
      },
      containerGarbage: {
        ...defaultContainerGarbage,
        maxPerPodContainer: whole('maximum-dead-containers-per-container', maxPerPodContainer, -1, 1000),
        maxContainers: whole('maximum-dead-containers', maxContainers, -1, 1e6),
      },
      keptLogs: { ...defaultKeptLogs, keepInMs: duration('keep-deleted', defaultKeptLogs.keepInMs) },
    },
    logLimits: {
      maxBytes: size('container-log-max-size', flags['container-log-max-size'], 10 * 2 ** 20),
      maxFiles: whole('container-log-max-files', 5, 2, 1000),
    },
  }
}

function size(name: keyof GarbageFlags, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const bytes = quantity(text)
  if (bytes === undefined || bytes < 1) throw new UsageError(`--${name} must be a size such as 10Mi, not "${text}"`)
  return bytes
}

/** `cpu=500m,memory=1Gi`. */
function reserved(name: keyof GarbageFlags, text = ''): Record<string, string> {
  const pairs = text.split(',').filter(Boolean)
  return Object.fromEntries(
    pairs.map(pair => {
      const [resource = '', amount = ''] = pair.split('=')
      if (!['cpu', 'memory', 'ephemeral-storage', 'pid'].includes(resource) || quantity(amount) === undefined)
        throw new UsageError(`--${name}: "${pair}" is not RESOURCE=QUANTITY with cpu, memory, ephemeral-storage or pid`)
      return [resource, amount]
    }),
  )
}

function quantity(text: string): number | undefined {
  try {
    return value(text)
  } catch {
    return undefined
  }
}
