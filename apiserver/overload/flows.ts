import type { UserInfo } from '../../api/user.ts'
import { builtInLevels, builtInSchemas } from './built-in.ts'
import { distinguisher, matchesSchema } from './classifier.ts'
import type { FlowAttributes, FlowControlSource, FlowSchemaLike, PriorityLevelLike } from './configuration.ts'
import { configure, type Level, newLevel, type Pass, sharesOf } from './level.ts'

/** Where a request belongs. */
export interface Flow {
  /** What a request gets that takes one seat and need not wait. */
  readonly pass: Pass
  /** What tells this flow from others, by which it gets its queues. */
  readonly hash: number
}

/** The priority levels as they are configured now, and which of them a request belongs to. */
export interface Flows {
  /** The levels whose seats are counted: all but exempt ones. */
  limited(): readonly Level[]
  /** Answers the same object for all requests of a user that are alike, until the configuration changes. */
  flowOf(user: UserInfo, attributes: FlowAttributes): Flow
}

/** How many sorts of requests are remembered of a user. */
const mostRemembered = 2_000

/** Follows the configuration: it is looked at again when its version has changed. `seats` are divided among the levels. */
export function followedFlows(source: FlowControlSource, seats: number): Flows {
  const levels = new Map<string, Level>()
  let limited: readonly Level[] = []
  let schemas: readonly FlowSchemaLike[] = []
  let byUser = new WeakMap<UserInfo, Map<string, Flow>>()
  let version = Number.NaN

  function reconfigure(): void {
    version = source.version()
    reconfigureLevels(levels, withMandatory(source.levels(), builtInLevels), seats)
    limited = [...levels.values()].filter(level => !level.isExempt)
    schemas = withMandatory(source.schemas(), builtInSchemas)
      .filter(({ spec }) => levels.has(spec.priorityLevelConfiguration.name))
      .toSorted((a, b) => precedence(a) - precedence(b) || (a.metadata.name < b.metadata.name ? -1 : 1))
    byUser = new WeakMap()
  }

  function classify(user: UserInfo, attributes: FlowAttributes): Flow {
    const schema = schemas.find(each => matchesSchema(each, user, attributes)) ?? schemas.at(-1)
    const level = levels.get(schema?.spec.priorityLevelConfiguration.name ?? '')
    if (!schema || !level) throw new Error('there is always a catch-all')
    const pass = { level, seats: 1, schemaUid: schema.metadata.uid ?? '', levelUid: level.uid }
    return { pass, hash: hashOf(`${schema.metadata.name}\0${distinguisher(schema, user, attributes)}`) }
  }

  return {
    limited: () => limited,
    flowOf(user, attributes) {
      if (source.version() !== version) reconfigure()
      let known = byUser.get(user)
      if (!known) byUser.set(user, (known = new Map()))
      const key = keyOf(attributes)
      const flow = known.get(key)
      if (flow) return flow
      if (known.size >= mostRemembered) known.clear()
      const found = classify(user, attributes)
      known.set(key, found)
      return found
    },
  }
}

const precedence = ({ spec }: FlowSchemaLike) => spec.matchingPrecedence ?? 1000

/** Exempt and catch-all hold whatever anybody configured. */
function withMandatory<T extends { metadata: { name: string } }>(given: readonly T[], own: readonly T[]): readonly T[] {
  const isMandatory = (name: string) => name === 'exempt' || name === 'catch-all'
  const names = new Set(given.map(({ metadata }) => metadata.name))
  return [...given, ...own.filter(({ metadata }) => isMandatory(metadata.name) && !names.has(metadata.name))]
}

/** Makes `levels` what is wanted. Who waits in a level that goes is let in. */
function reconfigureLevels(levels: Map<string, Level>, wanted: readonly PriorityLevelLike[], seats: number): void {
  const shares = wanted.reduce((sum, each) => sum + sharesOf(each), 0)
  const names = new Set(wanted.map(({ metadata }) => metadata.name))
  for (const each of wanted) {
    const { name } = each.metadata
    let level = levels.get(name)
    if (!level) levels.set(name, (level = newLevel(name)))
    configure(level, each, { seats, shares })
  }
  for (const [name, level] of levels) {
    if (names.has(name)) continue
    levels.delete(name)
    for (const queue of level.queues) for (const waiter of queue.waiters.splice(0)) waiter.settle(queue)
  }
}

const keyOf = ({ verb, group, resource, subresource = '', namespace = '', path }: FlowAttributes) =>
  path === undefined ? `${verb} ${group}/${resource}/${subresource} ${namespace}` : `${verb} ${path}`

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
