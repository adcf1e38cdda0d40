/** A meta.k8s.io/v1 Table, as the server sends it. */
export interface Table {
  readonly kind: 'Table'
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string; readonly remainingItemCount?: number }
  readonly columnDefinitions: readonly {
    readonly name: string
    readonly priority?: number
    readonly type?: string
    readonly format?: string
  }[]
  readonly rows: readonly TableRow[]
}

export interface TableRow {
  readonly cells: readonly unknown[]
  readonly object?: { readonly metadata?: RowMetadata }
}

interface RowMetadata {
  readonly name?: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
}

export interface TableOptions {
  /** Columns of priority 1 as well. */
  readonly wide?: boolean
  readonly withNamespace?: boolean
  readonly noHeaders?: boolean
  readonly showLabels?: boolean
  /** Labels that get a column of their own. */
  readonly labelColumns?: readonly string[]
  /** `pod/` before each name, when several kinds are shown. */
  readonly namePrefix?: string
}

/** The accept header that asks for a table first. */
export const acceptTable = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

const gap = '   '
/** A narrow column is no narrower than this, so that rows without a header still stand apart. */
const narrowest = 3

/** A table's header and rows as texts, not yet padded. */
export function tableCells(table: Table, options: TableOptions): { header: string[]; rows: string[][] } {
  const shown = table.columnDefinitions.flatMap((column, i) => (options.wide || !column.priority ? [i] : []))
  // Not every table begins with the name: that of events does not.
  const nameAt = shown.findIndex(i => table.columnDefinitions[i]?.format === 'name')
  const { labelColumns = [] } = options
  const header = [
    ...(options.withNamespace ? ['NAMESPACE'] : []),
    ...shown.map(i => table.columnDefinitions[i]?.name.toUpperCase() ?? ''),
    ...labelColumns.map(label => (label.split('/').at(-1) ?? label).toUpperCase()),
    ...(options.showLabels ? ['LABELS'] : []),
  ]
  const rows = table.rows.map(({ cells, object }) => {
    const { namespace = '', labels = {} } = object?.metadata ?? {}
    const texts = shown.map(i => cellText(cells[i]))
    if (options.namePrefix && nameAt >= 0) texts[nameAt] = options.namePrefix + texts[nameAt]
    return [
      ...(options.withNamespace ? [namespace] : []),
      ...texts,
      ...labelColumns.map(label => labels[label] ?? ''),
      ...(options.showLabels ? [labelsText(labels)] : []),
    ]
  })
  return { header, rows }
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '' // as the real one: custom resources have such cells
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return entries.length > 0 ? entries.sort().join(',') : '<none>'
}

/** Rows in columns that line up, three blanks between them. */
export function align(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? narrowest, cell.length)))
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join(gap)
  return rows.map(row => `${line(row).trimEnd()}\n`).join('')
}

/** A whole table as text. */
export function formatTable(table: Table, options: TableOptions = {}): string {
  const { header, rows } = tableCells(table, options)
  return align(options.noHeaders ? rows : [header, ...rows])
}

/** Prints rows as they come, each column at least as wide as it ever was (for `-w`). */
export function growingTable(write: (text: string) => void, options: TableOptions) {
  const widths: number[] = []
  let isFirst = true
  return (table: Table): void => {
    const { header, rows } = tableCells(table, options)
    const lines = isFirst && !options.noHeaders ? [header, ...rows] : rows
    isFirst = false
    for (const row of lines) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? narrowest, cell.length)))
    const line = (row: readonly string[]) =>
      row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join(gap)
    for (const row of lines) write(`${line(row).trimEnd()}\n`)
  }
}
