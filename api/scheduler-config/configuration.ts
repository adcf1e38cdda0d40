import { tryDecodePart } from '../decode.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { argumentChecks } from './argument-validation.ts'
import { type PluginArguments, withDefaults } from './arguments.ts'
import {
  argumentSchemas,
  ConfigurationFile,
  type PluginSet,
  type Plugins,
  type PluginWithArguments,
  type RawArguments,
} from './schema.ts'

/** What a scheduler is told by its file, checked and with defaults filled in. */
export interface SchedulerConfiguration {
  /** 0: as the size of the cluster suggests. */
  readonly percentageOfNodesToScore: number
  readonly podInitialBackoffSeconds: number
  readonly podMaxBackoffSeconds: number
  readonly profiles: readonly ProfileConfiguration[]
}

export interface ProfileConfiguration {
  readonly schedulerName: string
  /** `undefined`: as for all profiles. */
  readonly percentageOfNodesToScore: number | undefined
  readonly plugins: Plugins
  readonly arguments: PluginArguments
}

const group = 'kubescheduler.config.k8s.io'
const version = `${group}/v1`
const kind = 'KubeSchedulerConfiguration'
const defaultName = 'default-scheduler'

type ProfileInFile = NonNullable<ConfigurationFile['profiles']>[number]

/**
 * Reads a KubeSchedulerConfiguration of version v1, given as the value of a YAML file. Throws an Error in upstream's words on unknown
 * fields, wrong types and invalid values, and on extenders, which we do not have.
 */
export function parseSchedulerConfiguration(value: unknown): SchedulerConfiguration {
  const { apiVersion, kind: givenKind } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  if (givenKind !== kind || apiVersion !== version)
    throw new Error(
      `no kind "${String(givenKind ?? '')}" is registered for version "${String(apiVersion ?? '')}": want ${kind} of ${version}`,
    )
  const file = decoded(ConfigurationFile, value, '') as ConfigurationFile
  const profiles: readonly ProfileInFile[] = file.profiles?.length ? file.profiles : [{}]
  const named = profiles.map(profile => ({
    ...profile,
    schedulerName: profile.schedulerName ?? (profiles.length === 1 ? defaultName : ''),
    raw: argumentsOf(profile),
  }))
  const errors = [
    ...validateFile(file),
    ...named.flatMap((profile, i) => validateProfile(profile, `profiles[${i}]`)),
    ...validateNames(named),
    ...validateQueueSort(named),
  ]
  throwAll(errors)
  return {
    percentageOfNodesToScore: file.percentageOfNodesToScore ?? 0,
    podInitialBackoffSeconds: file.podInitialBackoffSeconds ?? 1,
    podMaxBackoffSeconds: file.podMaxBackoffSeconds ?? 10,
    profiles: named.map(({ schedulerName, percentageOfNodesToScore, plugins = {}, raw }) => ({
      schedulerName,
      percentageOfNodesToScore,
      plugins,
      arguments: withDefaults(raw),
    })),
  }
}

function decoded(schema: Parameters<typeof tryDecodePart>[0], value: unknown, path: string): unknown {
  const result = tryDecodePart(schema, value, path)
  if (!result.ok) throw new Error(result.error)
  const unknown = result.unknownPaths.map(field => `unknown field "${field}"`)
  if (unknown.length > 0) throw new Error(`strict decoding error: ${unknown.join(', ')}`)
  return result.value
}

function argumentsOf({ pluginConfig = [] }: ProfileInFile): Partial<RawArguments> {
  const raw: Partial<Record<PluginWithArguments, unknown>> = {}
  for (const { name, args } of pluginConfig) {
    if (!takesArguments(name)) continue
    const value = decoded(argumentSchemas[name], args ?? {}, '') as { kind?: string }
    if (value.kind && value.kind !== `${name}Args`)
      throw new Error(
        `decoding .profiles.pluginConfig args for plugin ${name}: args for plugin ${name} were not of type ${name}Args.${group}, got ${value.kind}.${group}`,
      )
    raw[name] = value
  }
  return raw as Partial<RawArguments>
}

const takesArguments = (name: string): name is PluginWithArguments => Object.hasOwn(argumentSchemas, name)

function validateFile(file: ConfigurationFile): FieldError[] {
  const { parallelism = 16, podInitialBackoffSeconds: initial = 1, podMaxBackoffSeconds: max = 10 } = file
  const { leaderElection = {}, extenders = [] } = file
  const errors: FieldError[] = []
  if ((leaderElection.leaderElect ?? true) && (leaderElection.resourceLock ?? 'leases') !== 'leases')
    errors.push(
      fieldError.invalid('leaderElection.resourceLock', leaderElection.resourceLock, 'resourceLock value must be "leases"'),
    )
  if (parallelism <= 0)
    errors.push(fieldError.invalid('parallelism', parallelism, 'should be an integer value greater than zero'))
  errors.push(...validatePercentage(file.percentageOfNodesToScore, 'percentageOfNodesToScore'))
  if (initial <= 0) errors.push(fieldError.invalid('podInitialBackoffSeconds', initial, 'must be greater than 0'))
  if (max < initial)
    errors.push(fieldError.invalid('podMaxBackoffSeconds', max, 'must be greater than or equal to PodInitialBackoffSeconds'))
  if (extenders.length > 0) errors.push(fieldError.forbidden('extenders', 'this scheduler calls no extenders'))
  return errors
}

function validatePercentage(percentage: number | undefined, field: string): FieldError[] {
  if (percentage === undefined || (percentage >= 0 && percentage <= 100)) return []
  return [fieldError.invalid(field, percentage, 'not in valid range [0-100]')]
}

interface NamedProfile extends ProfileInFile {
  readonly schedulerName: string
  readonly raw: Partial<RawArguments>
}

/** Plugins that were taken out of this version. */
const removed = ['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits']
const wasRemoved = `was invalid in version "${version}" (${kind} is version "${version}")`

function validateProfile(
  { schedulerName, percentageOfNodesToScore, plugins = {}, pluginConfig = [], raw }: NamedProfile,
  at: string,
) {
  const errors: FieldError[] = schedulerName === '' ? [fieldError.required(`${at}.schedulerName`)] : []
  errors.push(...validatePercentage(percentageOfNodesToScore, `${at}.percentageOfNodesToScore`))
  for (const [point, { enabled = [] }] of Object.entries(plugins) as [string, PluginSet][])
    for (const [i, { name }] of enabled.entries())
      if (removed.includes(name)) errors.push(fieldError.invalid(`${at}.plugins.${point}.enabled[${i}]`, name, wasRemoved))
  for (const [i, { name }] of pluginConfig.entries()) {
    const field = `${at}.pluginConfig[${i}]`
    if (pluginConfig.slice(0, i).some(other => other.name === name)) errors.push(fieldError.duplicate(field, name))
    if (removed.includes(name)) errors.push(fieldError.invalid(field, name, wasRemoved))
    else if (takesArguments(name)) errors.push(...checkArguments(name, raw, `${field}.args`))
  }
  return errors
}

function checkArguments<Name extends PluginWithArguments>(name: Name, raw: Partial<RawArguments>, at: string): FieldError[] {
  const args = raw[name]
  return args === undefined ? [] : argumentChecks[name](args, at)
}

function validateNames(profiles: readonly NamedProfile[]): FieldError[] {
  return profiles.flatMap(({ schedulerName }, i) => {
    const before = profiles.slice(0, i).findLastIndex(other => other.schedulerName === schedulerName)
    return before < 0 ? [] : [fieldError.duplicate(`profiles[${i}].schedulerName`, `profiles[${before}].schedulerName`)]
  })
}

/** All profiles share one queue, so they must sort it alike. */
function validateQueueSort([first, ...others]: readonly NamedProfile[]): FieldError[] {
  const enabled = (profile: NamedProfile | undefined) => profile?.plugins?.queueSort?.enabled?.map(({ name }) => name) ?? []
  const count = enabled(first).length
  const field = 'profiles[0].plugins.queueSort.Enabled'
  const errors = count > 1 ? [fieldError.invalid(field, count, 'only one queue sort plugin can be enabled')] : []
  for (const [i, other] of others.entries())
    if (enabled(other).join() !== enabled(first).join()) {
      const why = 'must be the same for all profiles'
      errors.push(fieldError.invalid(`profiles[${i + 1}].plugins.queueSort`, other.plugins?.queueSort ?? {}, why))
    }
  return errors
}

function throwAll(errors: readonly FieldError[]): void {
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))]
  if (texts.length > 0) throw new Error(texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`)
}
