import type { ProfileConfiguration, SchedulerConfiguration } from '../api/scheduler-config/configuration.ts'
import type { PluginSet, Plugins } from '../api/scheduler-config/schema.ts'
import type { PluginDependencies } from './dependencies.ts'
import { type ExtensionPoint, extensionPoints, type Plugin, type WeightedPlugin } from './framework.ts'
import { allPlugins, functionAt, type Profile } from './profile.ts'

/** The profiles of a configuration. Throws in upstream's words when it asks for what there is not (framework/runtime/framework.go). */
export function configuredProfiles(
  { profiles, percentageOfNodesToScore }: SchedulerConfiguration,
  dependencies: PluginDependencies,
): Profile[] {
  return profiles.map(profile => {
    try {
      const usual = allPlugins(dependencies, profile.arguments, profile.schedulerName)
      return { percentageOfNodesToScore, ...arranged(profile, usual) }
    } catch (err) {
      const why = err instanceof Error ? err.message : String(err)
      throw new Error(`initializing profiles: creating profile for scheduler name ${profile.schedulerName}: ${why}`, {
        cause: err,
      })
    }
  })
}

interface Choice {
  readonly name: string
  readonly weight?: number | undefined
}

const everything = '*'

/** Which plugins take part where, in which order: the usual ones, less what is disabled, then what is enabled in addition. */
export function arranged(
  { schedulerName, percentageOfNodesToScore, plugins }: ProfileConfiguration,
  usual: readonly WeightedPlugin[],
): Profile {
  const known = new Map(usual.map(({ plugin }) => [plugin.name, plugin]))
  const everywhere = merged(
    usual.map(({ plugin: { name }, weight }) => ({ name, weight })),
    plugins.multiPoint,
  )
  const orders = Object.fromEntries(
    extensionPoints.map(point => [point, namesAt(point, plugins[point], everywhere, known)]),
  ) as unknown as Record<ExtensionPoint, readonly string[]>
  if (orders.queueSort.length !== 1)
    throw new Error(
      `only one queue sort plugin required for profile with scheduler name "${schedulerName}", but got ${orders.queueSort.length}`,
    )
  if (orders.bind.length === 0)
    throw new Error(`at least one bind plugin is needed for profile with scheduler name "${schedulerName}"`)
  const weights = weightsOf(plugins, everywhere)
  const taking = [...known.values()].flatMap(plugin => {
    const weight = weights.get(plugin.name)
    const reduced = onlyAt(plugin, orders)
    return reduced ? [{ plugin: reduced, ...(weight !== undefined && { weight }) }] : []
  })
  return {
    schedulerName,
    plugins: taking,
    orders,
    ...(percentageOfNodesToScore !== undefined && { percentageOfNodesToScore }),
  }
}

/** The usual list with somebody's changes: what is named again keeps its place (config/v1 mergePluginSet). */
function merged(usual: readonly Choice[], { enabled = [], disabled = [] }: PluginSet = {}): Choice[] {
  const isDisabled = (name: string) => disabled.some(other => other.name === name || other.name === everything)
  const replaced = new Set<Choice>()
  const kept = usual
    .filter(({ name }) => !isDisabled(name))
    .map(choice => {
      const again = enabled.findLast(({ name }) => name === choice.name)
      if (again) replaced.add(again)
      return again ?? choice
    })
  return [...kept, ...enabled.filter(choice => !replaced.has(choice))]
}

/** What is enabled for this point and also everywhere comes first, then the rest of everywhere, then what is only enabled here. */
function namesAt(
  point: ExtensionPoint,
  { enabled = [], disabled = [] }: PluginSet = {},
  everywhere: readonly Choice[],
  known: ReadonlyMap<string, Plugin>,
): string[] {
  const type = `${point.charAt(0).toUpperCase()}${point.slice(1)}Plugin`
  const here: string[] = []
  for (const { name } of enabled) {
    const plugin = known.get(name)
    if (!plugin) throw new Error(`${type} "${name}" does not exist`)
    if (plugin[functionAt[point]] === undefined) throw new Error(`plugin "${name}" does not extend ${type} plugin`)
    if (here.includes(name)) throw new Error(`plugin "${name}" already registered as "${type}"`)
    here.push(name)
  }
  const isDisabled = (name: string) => disabled.some(other => other.name === name)
  if (isDisabled(everything)) return here
  const others: string[] = []
  const overriding = new Set<string>()
  for (const { name } of everywhere) {
    const plugin = known.get(name)
    if (!plugin) throw new Error(`${type} "${name}" does not exist`)
    if (plugin[functionAt[point]] === undefined || isDisabled(name)) continue
    if (here.includes(name)) overriding.add(name)
    else if (others.includes(name)) throw new Error(`plugin "${name}" already registered as "${type}"`)
    else others.push(name)
  }
  return [...here.filter(name => overriding.has(name)), ...others, ...here.filter(name => !overriding.has(name))]
}

/** What is said for the score itself counts before what is said for all points; nothing said counts 1. */
function weightsOf({ score }: Plugins, everywhere: readonly Choice[]): Map<string, number> {
  const weights = new Map<string, number>()
  for (const { name, weight } of [...(score?.enabled ?? []), ...everywhere])
    if (!weights.has(name)) weights.set(name, weight || 1)
  return weights
}

const companions: { readonly [Point in ExtensionPoint]?: readonly (keyof Plugin)[] } = {
  preFilter: ['copyState', 'podAdded', 'podRemoved'],
  score: ['normalize'],
  reserve: ['unreserve'],
}

/** A plugin without the functions that take no part; `undefined`: it has no part at all. */
function onlyAt(plugin: Plugin, orders: Record<ExtensionPoint, readonly string[]>): Plugin | undefined {
  const left: Partial<Record<keyof Plugin, unknown>> = { ...plugin }
  let parts = 0
  for (const point of extensionPoints) {
    if (plugin[functionAt[point]] === undefined) continue
    if (orders[point].includes(plugin.name)) parts++
    else for (const key of [functionAt[point], ...(companions[point] ?? [])]) delete left[key]
  }
  return parts > 0 ? (left as Plugin) : undefined
}
