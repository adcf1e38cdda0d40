import { deepEqual } from '../lib/json.ts'

/** Where two JSON values differ, and how: `spec.replicas: 1 -> 3`. */
export function changedPaths(before: unknown, after: unknown, path: string): string[] {
  if (deepEqual(before, after)) return []
  if (!isObject(before) || !isObject(after) || Array.isArray(before) !== Array.isArray(after)) {
    return [`${path}: ${show(before)} -> ${show(after)}`]
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  const inList = Array.isArray(before)
  return [...keys].flatMap(key => changedPaths(before[key], after[key], inList ? `${path}[${key}]` : `${path}.${key}`))
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const show = (value: unknown) => JSON.stringify(value) ?? 'nil'
