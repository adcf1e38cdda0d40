import type { PrinterColumn } from '../../api/apiextensions/definition.ts'
import { ageOf } from '../../api/duration.ts'
import type { Column } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { type JsonPathReader, readerOf } from '../../lib/json-path.ts'

type Cell = string | number | boolean | null

const whenNoneAreGiven: readonly PrinterColumn[] = [
  {
    name: 'Age',
    type: 'date',
    jsonPath: '.metadata.creationTimestamp',
    description: 'How long ago it was created.',
  },
]

/** The columns of a custom resource (k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor). */
export function printerColumns(columns: readonly PrinterColumn[] = []): Column<KubeObject>[] {
  const made: Column<KubeObject>[] = []
  for (const { name, type, format, description, priority = 0, jsonPath } of columns.length > 0 ? columns : whenNoneAreGiven) {
    const read = pathReader(jsonPath)
    if (!read) return made // what cannot be read ends the row, as upstream
    made.push({
      name,
      type: type as Column<KubeObject>['type'],
      ...(format && { format }),
      description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
      priority: priority as 0 | 1,
      value: (object, now) => cell(type, read(object), now) as string,
    })
  }
  return made
}

function pathReader(jsonPath: string): JsonPathReader | undefined {
  try {
    return readerOf(jsonPath)
  } catch {
    return undefined
  }
}

/** Only the first thing that a path leads to counts; of the wrong type, it is nothing. */
function cell(type: string, found: readonly unknown[], now: number): Cell {
  const [value] = found
  if (value === undefined) return null
  switch (type) {
    case 'string':
      if (value === null) return '<no value>'
      return typeof value === 'object' ? JSON.stringify(value) : String(value)
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      if (typeof value !== 'string') return null
      return value !== '' && Number.isNaN(Date.parse(value)) ? '<invalid>' : ageOf(value, now)
    default:
      return null
  }
}
