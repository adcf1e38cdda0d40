import { evaluateJsonPath, parseJsonPath } from '../../lib/json-path.ts'
import { UsageError } from '../flags.ts'
import { align } from './table.ts'

/** The forms that `-o` asks for, other than tables. */
export type Printer = (value: unknown) => Promise<string> | string

/** The printer for an `-o` value; undefined: a table (`''`, `wide`). Throws a UsageError that lists what there is. */
export function printerFor(output: string, { showManagedFields = false } = {}): Printer | undefined {
  const [form = '', ...rest] = output.split('=')
  const argument = rest.join('=')
  const tidy = (value: unknown) => (showManagedFields ? value : withoutManagedFields(value))
  switch (form) {
    case '':
    case 'wide':
      return undefined
    case 'json':
      return value => `${JSON.stringify(sorted(tidy(value)), undefined, 4)}\n`
    case 'yaml':
      return value => toYaml(tidy(value))
    case 'name':
      return value => itemsOf(value).map(nameOf).join('')
    case 'jsonpath':
    case 'jsonpath-as-json': {
      if (!argument) throw new UsageError(`template format specified but no template given`)
      const template = parseJsonPath(argument)
      return value => evaluateJsonPath(template, value)
    }
    case 'custom-columns':
      return customColumns(argument)
    default:
      throw new UsageError(
        `unable to match a printer suitable for the output format "${output}", allowed formats are: custom-columns,json,jsonpath,name,wide,yaml`,
      )
  }
}

/** As YAML that every YAML 1.1 reader takes the same way, keys sorted. */
export async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml')
  return stringify(value, {
    compat: 'yaml-1.1',
    sortMapEntries: true,
    lineWidth: 0,
    aliasDuplicateObjects: false,
    indentSeq: false,
  })
}

/** What is in a list, or the object itself. */
export function itemsOf(value: unknown): unknown[] {
  const items = (value as { items?: unknown[] } | undefined)?.items
  return Array.isArray(items) ? items : [value]
}

function nameOf(value: unknown): string {
  const { kind = '', apiVersion = '', metadata } = value as { kind?: string; apiVersion?: string; metadata?: { name?: string } }
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : `.${apiVersion.slice(0, slash)}`
  return `${kind.toLowerCase()}${group}/${metadata?.name ?? ''}\n`
}

function withoutManagedFields(value: unknown): unknown {
  const list = (value as { items?: unknown[] } | undefined)?.items
  if (Array.isArray(list)) return { ...(value as object), items: list.map(withoutManagedFields) }
  const { metadata } = value as { metadata?: Record<string, unknown> }
  if (!metadata?.managedFields) return value
  const { managedFields: _, ...rest } = metadata
  return { ...(value as object), metadata: rest }
}

/** Keys in alphabetical order, as Go prints maps. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  )
}

/** `NAME:.metadata.name,NODE:.spec.nodeName` */
function customColumns(argument: string): Printer {
  const columns = argument.split(/,(?=[^,{}\]]*:)/).map(column => {
    const colon = column.indexOf(':')
    if (colon < 0) throw new UsageError(`unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`)
    const path = column.slice(colon + 1)
    return {
      header: column.slice(0, colon),
      template: parseJsonPath(path.startsWith('{') ? path : `{${path.startsWith('.') ? path : `.${path}`}}`),
    }
  })
  return value => {
    const rows = itemsOf(value).map(item => columns.map(({ template }) => evaluateJsonPath(template, item) || '<none>'))
    return align([columns.map(({ header }) => header), ...rows])
  }
}
