import { type FieldError, fieldError } from '../../../api/field-errors.ts'

/** How much pods may do, from everything to nothing special. */
export const levels = ['privileged', 'baseline', 'restricted'] as const
export type Level = (typeof levels)[number]

/** The rules as they stood in a release of Kubernetes; `minor` of the latest is infinite. */
export interface Version {
  /** `latest` or `v1.34`. */
  readonly name: string
  readonly minor: number
}

/** One standard that pods are held to. */
export interface Standard {
  readonly level: Level
  readonly version: Version
}

/** What is done about pods that do not meet a standard: they are refused, written down, or their makers are told. */
export const modes = ['enforce', 'audit', 'warn'] as const
export type Mode = (typeof modes)[number]
export type Policy = Readonly<Record<Mode, Standard>>

export const latest: Version = { name: 'latest', minor: Number.POSITIVE_INFINITY }
export const labelPrefix = 'pod-security.kubernetes.io/'

/** `restricted:latest` */
export const standardText = ({ level, version }: Standard): string => `${level}:${version.name}`
export const isSame = (a: Standard, b: Standard): boolean => a.level === b.level && a.version.name === b.version.name
/** Above zero: `a` is the stricter one. */
export const compareLevels = (a: Level, b: Level): number => levels.indexOf(a) - levels.indexOf(b)
export const isPrivileged = (policy: Policy): boolean => modes.every(mode => policy[mode].level === 'privileged')

const same = (a: Standard, b: Standard) => (a.level === 'privileged' && b.level === 'privileged') || isSame(a, b)
/** Whether two policies come to the same: nobody cares about the version of rules that allow everything. */
export const isEquivalent = (a: Policy, b: Policy): boolean => modes.every(mode => same(a[mode], b[mode]))

export const levelRule = `must be one of ${levels.join(', ')}`
export const versionRule = 'must be "latest" or "v1.x"'

export const parseLevel = (text: string): Level | undefined => levels.find(level => level === text)

const largestInt64 = 9223372036854775807n

export function parseVersion(text: string): Version | undefined {
  if (text === latest.name) return latest
  const [, minor] = /^v1\.(0|[1-9][0-9]*)$/.exec(text) ?? []
  return minor === undefined || BigInt(minor) > largestInt64 ? undefined : { name: text, minor: Number(minor) }
}

type Labels = Readonly<Record<string, string>>

/**
 * What the labels of a namespace ask for, over the cluster's defaults (k8s.io/pod-security-admission/api/helpers.go). There is always a
 * policy: where a label makes no sense, pods are held to the strictest standard, and nobody is warned.
 */
export function policyOf(
  labels: Labels | undefined,
  defaults: Policy,
): { readonly policy: Policy; readonly errors: FieldError[] } {
  const errors: FieldError[] = []
  const invalid = (label: string, rule: string) => {
    errors.push(fieldError.invalid(`metadata.labels[${label}]`, labels?.[label], rule))
    return undefined
  }
  const standardOf = (mode: Mode): { standard: Standard; level: Level | undefined } => {
    const levelLabel = labelPrefix + mode
    const versionLabel = `${levelLabel}-version`
    const [levelText, versionText] = [labels?.[levelLabel], labels?.[versionLabel]]
    const level = levelText === undefined ? undefined : (parseLevel(levelText) ?? invalid(levelLabel, levelRule))
    const version = versionText === undefined ? undefined : (parseVersion(versionText) ?? invalid(versionLabel, versionRule))
    const instead = levelText === undefined ? defaults[mode].level : mode === 'enforce' ? 'restricted' : 'privileged'
    const versionInstead = versionText === undefined ? defaults[mode].version : latest
    return { level, standard: { level: level ?? instead, version: version ?? versionInstead } }
  }
  const { standard: enforce, level: enforced } = standardOf('enforce')
  const { standard: audit } = standardOf('audit')
  let { standard: warn } = standardOf('warn')
  // Whoever has pods refused hears of templates that will not do, too.
  if (enforced && labels?.[`${labelPrefix}warn`] === undefined && compareLevels(enforced, warn.level) > 0) {
    const hasVersion = labels?.[`${labelPrefix}warn-version`] !== undefined
    warn = { level: enforced, version: hasVersion ? warn.version : enforce.version }
  }
  return { policy: { enforce, audit, warn }, errors }
}
