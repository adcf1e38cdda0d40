import { parseDuration, textFlags, type Values } from './flags.ts'

/** When nodes that say nothing are given up, in milliseconds. */
export interface NodeMonitor {
  readonly nodeMonitor?: { readonly graceInMs?: number; readonly startupGraceInMs?: number; readonly everyMs?: number }
}

const flags = {
  graceInMs: 'node-monitor-grace-period',
  startupGraceInMs: 'node-startup-grace-period',
  everyMs: 'node-monitor-period',
} as const

export const nodeMonitorFlagTable = textFlags(Object.values(flags))

/** What the flags say. Throws a UsageError. */
export function nodeMonitorOptions(values: Values<typeof nodeMonitorFlagTable>): NodeMonitor {
  const given = Object.entries(flags).flatMap(([name, flag]) => {
    const text = values[flag]
    return text === undefined ? [] : [[name, parseDuration(flag, text)] as const]
  })
  return given.length === 0 ? {} : { nodeMonitor: Object.fromEntries(given) }
}
