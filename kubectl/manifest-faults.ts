import { ApiError } from '../api/errors.ts'
import { nearest } from '../api/nearest.ts'
import type { SchemaNode } from './apply/schema.ts'
import { complaint } from './complaint.ts'
import { fieldAt, fieldsOf, ManifestError, type ManifestObject, stepsOf } from './manifest.ts'

/**
 * What the server had against an object, told about the file that it came from: every unknown field on a line of its own with its place and the name
 * that was probably meant, every cause of an invalid object with its place. `doing` is a present participle: `creating`.
 */
export async function manifestComplaint(
  error: unknown,
  { manifest, doing, schema }: { manifest: ManifestObject; doing: string; schema: () => Promise<SchemaNode | undefined> },
): Promise<string> {
  const fields = strictFaults(error)
  if (fields.length > 0) {
    const root = await schema().catch(() => undefined)
    return fields
      .map(fault => ({ fault, ...positionOf(manifest, fault.field) }))
      .sort((a, b) => a.line - b.line || a.column - b.column)
      .map(({ fault, line, column }) => `error: ${manifest.source}:${line}:${column}: ${describe(fault, root)}`)
      .join('\n')
  }
  const mistyped = typeFault(error, manifest)
  if (mistyped)
    return `error: ${placeOf(manifest, mistyped.path)}: ${mistyped.path} must be ${mistyped.wanted}, not ${mistyped.actual}`
  if (!(error instanceof ApiError || error instanceof ManifestError)) {
    return `error: ${placeOf(manifest, '')}: ${error instanceof Error ? error.message : String(error)}`
  }
  return complaint(error, {
    doing: `error when ${doing} ${JSON.stringify(manifest.source)}`,
    placeOf: field => placeOf(manifest, field),
  })
}

interface StrictFault {
  readonly what: 'unknown' | 'duplicate'
  readonly field: string
}

/** The fields that strict decoding refused: on creation in the message, on a patch in a cause. */
function strictFaults(error: unknown): StrictFault[] {
  const text = textsOf(error).find(each => each.includes('strict decoding error')) ?? ''
  return [...text.matchAll(/(unknown|duplicate) field ("(?:[^"\\]|\\.)*")/g)].map(([, what, field]) => ({
    what: what as StrictFault['what'],
    field: JSON.parse(field ?? '""') as string,
  }))
}

function describe({ what, field }: StrictFault, root: SchemaNode | undefined): string {
  const meant = what === 'unknown' && root ? likelyField(root, field) : undefined
  return `${what} field ${JSON.stringify(field)}${meant === undefined ? '' : ` (did you mean "${meant}"?)`}`
}

/** The name that a mistyped field probably should have, or the path to where a field of this name belongs. */
export function likelyField(root: SchemaNode, path: string): string | undefined {
  const steps = stepsOf(path)
  const name = String(steps.at(-1))
  let parent: SchemaNode | undefined = root
  for (const step of steps.slice(0, -1)) parent = typeof step === 'number' ? parent?.items : parent?.field(step)
  if (!parent) return undefined
  return nearest(name, parent.fieldNames) ?? misplaced(root, steps.slice(0, -1), name)
}

/** A field of this very name a little above or below where it was put: `spec.ports` is `spec.template.spec.containers[0].ports`. */
function misplaced(root: SchemaNode, parent: readonly (string | number)[], name: string): string | undefined {
  let best: string | undefined
  const look = (node: SchemaNode | undefined, path: string, depth: number, isBelow: boolean) => {
    if (!node || depth > 6) return
    if (node.type === 'array') return look(node.items, `${path}[]`, depth, isBelow)
    for (const field of node.fieldNames) {
      const here = path ? `${path}.${field}` : field
      if (field === name && isBelow && (best === undefined || here.length < best.length)) best = here
      if (!['status', 'metadata', 'initContainers', 'ephemeralContainers'].includes(field))
        look(node.field(field), here, depth + 1, isBelow)
    }
  }
  const [top] = parent
  if (typeof top !== 'string' || top === 'metadata') return undefined
  look(root.field(top), top, 1, true)
  return best
}

/** What "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32" is about, with its indices. */
function typeFault(error: unknown, { value }: ManifestObject): { path: string; wanted: string; actual: string } | undefined {
  for (const text of textsOf(error)) {
    const match = /cannot unmarshal (\w+).* into Go struct field \w+\.(\S+) of type (\S+)/.exec(text)
    if (!match) continue
    const [, actual = '', path, goType = ''] = match
    const isOfType = (field: unknown) =>
      (Array.isArray(field) ? 'array' : typeof field === 'boolean' ? 'bool' : typeof field) === actual
    const found = fieldsOf(value).find(field => withoutIndices(field.path) === path && isOfType(field.value))
    if (found)
      return { path: found.path, wanted: typeNames[goType] ?? (goType.startsWith('[]') ? 'a list' : `of type ${goType}`), actual }
  }
  return undefined
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  bool: 'true or false',
  int32: 'a whole number',
  int64: 'a whole number',
  'map[string]string': 'a map of strings',
}

/** Everything that an error says: its message, and what its causes say. */
function textsOf(error: unknown): string[] {
  if (!(error instanceof ApiError)) return []
  const { message = '', details } = error.status
  return [message, ...(details?.causes ?? []).map(cause => cause.message ?? '')]
}

const withoutIndices = (path: string) => path.replace(/\[\d+\]/g, '')

/** `web.yaml:8:12` */
function placeOf(manifest: ManifestObject, path: string): string {
  const { line, column } = positionOf(manifest, path)
  return `${manifest.source}:${line}:${column}`
}

/** A list's items may have other indices on the server than in the file: then the first field of such a path counts. */
function positionOf(manifest: ManifestObject, path: string): { line: number; column: number } {
  const there =
    fieldAt(manifest.value, path) === undefined
      ? fieldsOf(manifest.value).find(field => withoutIndices(field.path) === withoutIndices(path))?.path
      : undefined
  return manifest.at(there ?? path)
}
