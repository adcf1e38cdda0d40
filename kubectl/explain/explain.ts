import { didYouMean } from '../objects.ts'
import type { Resource } from '../resources.ts'
import { type JsonSchema, type OpenApiDocument, type Schemas, schemasIn } from './schemas.ts'

/** Enumerations longer than this are cut off in lists of fields. */
const mostValues = 4

/**
 * The page about a kind or one of its fields, in the layout of k8s.io/kubectl/pkg/explain/v2/templates/plaintext.tmpl. Throws when
 * there is no such field.
 */
export function explainText(
  document: OpenApiDocument,
  { group, version, kind }: Pick<Resource, 'group' | 'version' | 'kind'>,
  path: readonly string[],
  recursive: boolean,
): string {
  const schemas = schemasIn(document)
  const root = schemas.ofKind({ group, version, kind })
  if (!root) throw new Error(`couldn't find resource for "${group}${group && '/'}${version}, Kind=${kind}"`)
  let schema = root
  let field = ''
  path.forEach((name, i) => {
    const next = fieldOf(schema, name, schemas)
    if (!next) throw new Error(`field "${path.at(-1)}" does not exist${hint(schema, name, i === path.length - 1, schemas)}`)
    schema = next
    field = `FIELD: ${name} <${typeOf(next, schemas)}>\n${allValues(next)}\n\n`
  })
  const heading = `${group ? `GROUP:      ${group}\n` : ''}KIND:       ${kind}\nVERSION:    ${version}\n\n`
  const description =
    descriptions(schema, schemas)
      .map(text => `${text}\n`)
      .join('') || '<empty>'
  const fields = fieldList(schema, 1, { schemas, recursive, above: new Set() })
  return `${heading}${field}DESCRIPTION:\n${indent(4, wrap(76, description))}\n${fields && `FIELDS:\n${fields}`}\n`
}

/** A field by name, through lists and maps. */
function fieldOf(schema: JsonSchema, name: string, schemas: Schemas): JsonSchema | undefined {
  const seen = new Set<JsonSchema>()
  const find = (each: JsonSchema): JsonSchema | undefined => {
    const resolved = schemas.resolve(each)
    if (seen.has(resolved)) return undefined
    seen.add(resolved)
    const own = resolved.properties && Object.hasOwn(resolved.properties, name) ? resolved.properties[name] : undefined
    if (own) return own
    for (const part of schemas.below(resolved)) {
      const found = find(part)
      if (found) return found
    }
    return undefined
  }
  return find(schema)
}

function hint(schema: JsonSchema, name: string, isLast: boolean, schemas: Schemas): string {
  const names = (each: JsonSchema): string[] => {
    const own = Object.keys(schemas.resolve(each).properties ?? {})
    return own.length > 0 ? own : schemas.below(each).flatMap(names)
  }
  return isLast ? didYouMean(name, names(schema)) : ''
}

/** What is said of a schema and of those that it is made of. */
function descriptions(schema: JsonSchema, schemas: Schemas, depth = 0): string[] {
  if (depth > 8) return []
  const { description } = schemas.resolve(schema)
  return [...(description ? [description] : []), ...schemas.below(schema).flatMap(part => descriptions(part, schemas, depth + 1))]
}

interface Listing {
  readonly schemas: Schemas
  readonly recursive: boolean
  /** References that we are inside of. */
  readonly above: ReadonlySet<string>
}

function fieldList(schema: JsonSchema, level: number, listing: Listing): string {
  const { schemas, recursive, above } = listing
  if (schema.$ref && above.has(schema.$ref)) return ''
  const inside: Listing = { ...listing, above: schema.$ref ? new Set([...above, schema.$ref]) : above }
  const resolved = schemas.resolve(schema)
  const own = Object.keys(resolved.properties ?? {})
    .sort()
    .map(name => {
      const field = resolved.properties?.[name] ?? {}
      return fieldDetail(name, field, resolved, level, listing) + (recursive ? fieldList(field, level + 1, inside) : '')
    })
  return (
    own.join('') +
    schemas
      .below(schema)
      .map(part => fieldList(part, level, inside))
      .join('')
  )
}

function fieldDetail(name: string, field: JsonSchema, { required }: JsonSchema, level: number, listing: Listing): string {
  const margin = ' '.repeat(level * 2)
  const isRequired = required?.includes(name) ? ' -required-' : ''
  const head = `${margin}${name}\t<${typeOf(field, listing.schemas)}>${isRequired}${someValues(field, margin)}\n`
  if (listing.recursive) return head
  return `${head}${indent(level * 2 + 2, wrap(78 - level * 2, field.description || '<no description>'))}\n\n`
}

/** `string`, `[]Container`, `map[string]string`: a type as people say it. */
export function typeOf(schema: JsonSchema, schemas: Schemas): string {
  const { items, additionalProperties, allOf = [], properties, $ref, type } = schema
  if (items) return `[]${typeOf(items, schemas)}`
  if (typeof additionalProperties === 'object') return `map[string]${typeOf(additionalProperties, schemas)}`
  const [only] = allOf
  if (only && allOf.length === 1 && !properties) return typeOf(only, schemas)
  if ($ref) {
    const target = schemas.resolve(schema)
    const name = $ref.split('/').at(-1)?.split('.').at(-1)
    return target === schema || !target.type || target.type === 'object' ? name || 'Object' : target.type
  }
  return type === 'object' ? 'Object' : (type ?? 'Object')
}

const quoted = (value: unknown) => (value === '' ? '""' : String(value))

function allValues({ enum: values }: JsonSchema): string {
  return values ? `ENUM:${values.map(value => `\n    ${quoted(value)}`).join('')}` : ''
}

function someValues({ enum: values }: JsonSchema, margin: string): string {
  if (!values) return ''
  return `\n${margin}enum: ${values.slice(0, mostValues).map(quoted).join(', ')}${values.length > mostValues ? ', ....' : ''}`
}

const indent = (by: number, text: string) => text.replace(/^/gm, ' '.repeat(by))

/** Breaks lines at blanks so that none is longer; breaks that are there stay. */
export function wrap(width: number, text: string): string {
  return text
    .split('\n')
    .map(line => {
      const lines: string[] = []
      let current = ''
      for (const word of line.split(' ')) {
        if (current && current.length + 1 + word.length > width) {
          lines.push(current)
          current = word
        } else current = current ? `${current} ${word}` : word
      }
      return [...lines, current].join('\n')
    })
    .join('\n')
}
