import { labelName, subdomainName } from '../../../api/names.ts'
import {
  latest,
  levelRule,
  type Mode,
  modes,
  type Policy,
  parseLevel,
  parseVersion,
  type Standard,
  versionRule,
} from './policy.ts'

/** What holds where namespaces say nothing, and who is never asked (pod-security.admission.config.k8s.io/v1). */
export interface PodSecurityConfiguration {
  readonly defaults: Policy
  readonly exemptions: {
    readonly usernames: readonly string[]
    readonly namespaces: readonly string[]
    readonly runtimeClasses: readonly string[]
  }
}

const everything: Standard = { level: 'privileged', version: latest }

/** Everything is allowed, everywhere where no label says otherwise. */
export const defaultPodSecurity: PodSecurityConfiguration = {
  defaults: { enforce: everything, audit: everything, warn: everything },
  exemptions: { usernames: [], namespaces: [], runtimeClasses: [] },
}

type Json = Readonly<Record<string, unknown>>

/** Reads a PodSecurityConfiguration; throws an Error that names everything that is wrong with it (admission/api/validation). */
export function parsePodSecurity(value: unknown): PodSecurityConfiguration {
  const faults: string[] = []
  const { defaults, exemptions, ...head } = fieldsOf(value, '', ['apiVersion', 'kind', 'defaults', 'exemptions'], faults)
  if (
    head.kind !== 'PodSecurityConfiguration' ||
    !/^pod-security\.admission\.config\.k8s\.io\/v1((alpha|beta)1)?$/.test(String(head.apiVersion))
  )
    faults.push('it must be of apiVersion pod-security.admission.config.k8s.io/v1 and kind PodSecurityConfiguration')
  const names = modes.flatMap(mode => [mode, `${mode}-version`])
  const standards = fieldsOf(defaults ?? {}, 'defaults', names, faults)
  const exempt = fieldsOf(exemptions ?? {}, 'exemptions', ['usernames', 'namespaces', 'runtimeClasses'], faults)
  const standardOf = (mode: Mode): Standard => {
    const level = standards[mode] || everything.level
    const version = standards[`${mode}-version`] || latest.name
    const known = { level: parseLevel(String(level)), version: parseVersion(String(version)) }
    if (!known.level) faults.push(`defaults.${mode}: Invalid value: ${JSON.stringify(level)}: ${levelRule}`)
    if (!known.version) faults.push(`defaults.${mode}-version: Invalid value: ${JSON.stringify(version)}: ${versionRule}`)
    return { level: known.level ?? 'restricted', version: known.version ?? latest }
  }
  const result = {
    defaults: { enforce: standardOf('enforce'), audit: standardOf('audit'), warn: standardOf('warn') },
    exemptions: {
      usernames: textsIn(exempt, 'usernames', name => (name === '' ? ['username must not be empty'] : []), faults),
      namespaces: textsIn(exempt, 'namespaces', labelName, faults),
      runtimeClasses: textsIn(exempt, 'runtimeClasses', subdomainName, faults),
    },
  }
  if (faults.length > 0) throw new Error(`the PodSecurity configuration is invalid: ${faults.join('; ')}`)
  return result
}

function textsIn(fields: Json, name: string, check: (text: string) => string[], faults: string[]): string[] {
  const value = fields[name] ?? []
  if (!Array.isArray(value) || !value.every(each => typeof each === 'string')) {
    faults.push(`exemptions.${name}: must be a list of texts`)
    return []
  }
  for (const [i, text] of value.entries()) {
    const at = `exemptions.${name}[${i}]`
    const wrong = check(text)
    if (wrong.length > 0) faults.push(`${at}: Invalid value: ${JSON.stringify(text)}: ${wrong.join(', ')}`)
    else if (value.indexOf(text) < i) faults.push(`${at}: Duplicate value: ${JSON.stringify(text)}`)
  }
  return value
}

function fieldsOf(value: unknown, at: string, known: readonly string[], faults: string[]): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    faults.push(`${at || 'it'} must be an object`)
    return {}
  }
  for (const key of Object.keys(value)) if (!known.includes(key)) faults.push(`unknown field ${at ? `${at}.` : ''}${key}`)
  return value as Json
}

/**
 * The PodSecurity part of what upstream's `--admission-control-config-file` holds (AdmissionConfiguration, apiserver.config.k8s.io/v1), its
 * configuration there or in another file, which `read` opens. `undefined`: nothing is said about it. Other plugins have nothing to set.
 */
export async function podSecurityIn(
  value: unknown,
  read: (path: string) => Promise<unknown>,
): Promise<PodSecurityConfiguration | undefined> {
  const faults: string[] = []
  const { apiVersion, kind, plugins = [] } = fieldsOf(value, '', ['apiVersion', 'kind', 'plugins'], faults)
  if (kind !== 'AdmissionConfiguration' || !/^apiserver\.(config\.k8s\.io\/v1|k8s\.io\/v1alpha1)$/.test(String(apiVersion)))
    faults.push('it must be of apiVersion apiserver.config.k8s.io/v1 and kind AdmissionConfiguration')
  if (!Array.isArray(plugins)) faults.push('plugins must be a list')
  const all = (Array.isArray(plugins) ? plugins : []).map((each, i) =>
    fieldsOf(each, `plugins[${i}]`, ['name', 'path', 'configuration'], faults),
  )
  for (const { name } of all)
    if (name !== 'PodSecurity') faults.push(`the plugin ${JSON.stringify(name)} has no configuration here`)
  if (faults.length > 0) throw new Error(`the admission configuration is invalid: ${faults.join('; ')}`)
  const [plugin] = all
  if (!plugin) return undefined
  return parsePodSecurity(plugin.configuration ?? (await read(String(plugin.path ?? ''))))
}
