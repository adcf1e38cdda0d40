import type { KubeList, KubeObject } from '../../api/transport.ts'
import { responseError } from '../../client/http-errors.ts'
import { jsonLines } from '../../client/json-lines.ts'
import { valuesAt } from '../../lib/json-path.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { deletedPods } from '../deleted/deleted-pods.ts'
import { UsageError } from '../flags.ts'
import { callOf, chunkSize, listAll, locate, readFiles, selectionFlags } from '../objects.ts'
import { type Printer, printerFor } from '../print/output.ts'
import { acceptTable, formatTable, growingTable, type Table, type TableOptions, type TableRow } from '../print/table.ts'
import type { Resource } from '../resources.ts'
import { pathTo, select } from '../selection.ts'
import type { Session } from '../session.ts'

const nothingNamed = `You must specify the type of resource to get. Use "wherry api-resources" for a complete list of supported resources.

error: Required resource not specified.
Use "wherry explain <resource>" for a detailed description of that resource (e.g. wherry explain pods).
`

export const get: Command = {
  name: 'get',
  usage: 'get (TYPE[,TYPE...] [NAME...] | TYPE/NAME... | -f FILE) [flags]',
  summary: 'Shows objects.',
  examples: [
    'wherry get pods -A -o wide',
    'wherry get deploy,rs,po -l app=web',
    "wherry get pods -o jsonpath='{.items[*].metadata.name}'",
    'wherry get pods -w',
    'wherry get pods --deleted',
  ],
  flags: {
    ...selectionFlags,
    output: { type: 'string', short: 'o', help: 'json, yaml, name, wide, jsonpath=..., custom-columns=...' },
    watch: { type: 'bool', short: 'w', help: 'Go on showing changes' },
    'watch-only': { type: 'bool', help: 'Show changes only' },
    'output-watch-events': { type: 'bool', help: 'Show what happened to each object that changes' },
    'sort-by': { type: 'string', help: 'Sort by a JSONPath: .metadata.creationTimestamp' },
    'no-headers': { type: 'bool', help: 'No line of headers' },
    'show-labels': { type: 'bool', help: 'All labels in the last column' },
    'label-columns': { type: 'list', short: 'L', help: 'A column for each of these labels' },
    'ignore-not-found': { type: 'bool', help: 'A name that is not there is no error' },
    'show-managed-fields': { type: 'bool', help: 'metadata.managedFields too' },
    deleted: { type: 'bool', help: 'Pods that were deleted a while ago, as they were then' },
    raw: { type: 'string', help: 'A path of the API: its answer as it is', placeholder: 'PATH' },
    'chunk-size': { type: 'int', help: 'How many objects to ask for at a time', hidden: true },
  },
  async run(context) {
    const raw = flag.text(context, 'raw')
    if (raw !== undefined) return getRaw(context, raw)
    if (context.words.length === 0 && flag.list(context, 'filename').length === 0) {
      context.io.err(nothingNamed)
      return 1
    }
    const session = await context.session()
    const groups = await wanted(context, session)
    const printer = printerFor(flag.text(context, 'output') ?? '', { showManagedFields: flag.on(context, 'show-managed-fields') })
    if (flag.on(context, 'deleted')) return printDeleted(context, session, groups, printer)
    if (flag.on(context, 'watch') || flag.on(context, 'watch-only')) return follow(context, session, groups, printer)
    return printer ? printObjects(context, session, groups, printer) : printTables(context, session, groups)
  },
}

async function getRaw(context: CommandContext, path: string): Promise<number> {
  const { transport } = await context.session()
  const { status, headers, text } = await transport.request({ method: 'GET', path, signal: context.signal })
  if (status >= 300) throw responseError(status, text, headers)
  context.io.out(text)
  return 0
}

/** Objects of one resource in one place. */
interface Group {
  readonly resource: Resource
  readonly namespace: string | undefined
  /** Empty: all. */
  readonly names: readonly string[]
}

async function wanted(context: CommandContext, session: Session): Promise<Group[]> {
  const files = flag.list(context, 'filename')
  if (files.length > 0) {
    const places = await Promise.all((await readFiles(context, files)).map(manifest => locate(session, manifest)))
    return places.map(({ resource, namespace, name }) => ({ resource, namespace, names: [name] }))
  }
  const everywhere = flag.on(context, 'all-namespaces')
  const selections = select(context.words, await session.resources())
  if (everywhere && selections.some(({ names }) => names.length > 0)) {
    throw new UsageError('a resource cannot be retrieved by name across all namespaces')
  }
  return selections.map(({ resource, names }) => ({ resource, names, namespace: everywhere ? undefined : session.namespace }))
}

const selectors = (context: CommandContext) => ({
  labelSelector: flag.text(context, 'selector'),
  fieldSelector: flag.text(context, 'field-selector'),
})

const isMissing = (error: unknown) => (error as { status?: { code?: number } }).status?.code === 404

async function printObjects(
  context: CommandContext,
  session: Session,
  groups: readonly Group[],
  printer: Printer,
): Promise<number> {
  const found: KubeObject[] = []
  let single = true
  let failed = false
  for (const { resource, namespace, names } of groups) {
    if (names.length === 0) {
      single = false
      const { labelSelector, fieldSelector } = selectors(context)
      const list = await listAll(session, resource, namespace, {
        ...(labelSelector && { labelSelector }),
        ...(fieldSelector && { fieldSelector }),
      })
      found.push(...list.items)
    }
    for (const name of names) {
      try {
        found.push((await session.transport.call(callOf('get', resource, { namespace, name }))) as KubeObject)
      } catch (error) {
        if (!isMissing(error)) throw error
        if (flag.on(context, 'ignore-not-found')) continue
        failed = true
        context.io.err(`Error from server (NotFound): ${(error as Error).message}\n`)
      }
    }
  }
  const sortBy = flag.text(context, 'sort-by')
  if (sortBy) found.sort((a, b) => compare(valuesAt(sortBy, a)[0], valuesAt(sortBy, b)[0]))
  const [only] = found
  if (single && found.length === 1 && groups.length === 1 && only) context.io.out(await printer(only))
  else if (!(single && found.length === 0))
    context.io.out(await printer({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: found }))
  return failed ? 1 : 0
}

async function printDeleted(
  context: CommandContext,
  session: Session,
  groups: readonly Group[],
  printer: Printer | undefined,
): Promise<number> {
  const { io } = context
  const [group, ...others] = groups
  if (!group || others.length > 0 || group.resource.group || group.resource.resource !== 'pods')
    throw new UsageError('--deleted is for pods only')
  if (flag.on(context, 'watch') || flag.on(context, 'watch-only')) throw new UsageError('--deleted cannot be watched')
  const labelSelector = flag.text(context, 'selector')
  const wanted: { name?: string }[] = group.names.length > 0 ? group.names.map(name => ({ name })) : [{}]
  const found = await Promise.all(wanted.map(one => deletedPods(session, { namespace: group.namespace, labelSelector, ...one })))
  const pods = found.flatMap(({ items }) => items.map(({ object }) => object))
  const missing = group.names.filter((_, i) => found[i]?.items.length === 0)
  for (const name of missing) io.err(`Error from server (NotFound): no pod "${name}" was deleted a short while ago\n`)
  const [first] = found
  if (printer) {
    if (group.names.length === 1 && pods.length === 1) io.out(await printer(pods[0] as object))
    else if (group.names.length === 0 || pods.length > 0)
      io.out(await printer({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: pods }))
  } else if (first && pods.length > 0) {
    const table = { ...first.table, rows: found.flatMap(({ table: { rows } }) => rows) }
    io.out(formatTable(table, tableOptions(context, groups, group)))
  } else if (missing.length === 0) {
    io.err(`No pods were deleted a short while ago${group.namespace === undefined ? '' : ` in ${group.namespace} namespace`}.\n`)
  }
  return missing.length > 0 && !flag.on(context, 'ignore-not-found') ? 1 : 0
}

function tableOptions(context: CommandContext, groups: readonly Group[], group: Group): TableOptions {
  const prefix = group.resource.group ? `${group.resource.singular}.${group.resource.group}` : group.resource.singular
  return {
    wide: flag.text(context, 'output') === 'wide',
    withNamespace: group.namespace === undefined && group.resource.namespaced,
    noHeaders: flag.on(context, 'no-headers'),
    showLabels: flag.on(context, 'show-labels'),
    labelColumns: flag.list(context, 'label-columns').flatMap(labels => labels.split(',')),
    ...(new Set(groups.map(({ resource }) => resource)).size > 1 && { namePrefix: `${prefix}/` }),
  }
}

/** A group's table, and whether a name in it was not there. */
async function fetchTable(
  context: CommandContext,
  session: Session,
  group: Group,
): Promise<{ table: Table | undefined; isMissing: boolean }> {
  let someMissing = false
  const sortBy = flag.text(context, 'sort-by')
  const includeObject = sortBy ? 'Object' : undefined
  const tables: Table[] = []
  if (group.names.length === 0) {
    let token: string | undefined
    do {
      const options = {
        ...selectors(context),
        includeObject,
        limit: flag.number(context, 'chunk-size') ?? chunkSize,
        continue: token,
      }
      const table = (await session.get(pathTo(group.resource, group, options as never), acceptTable)) as Table
      tables.push(table)
      token = table.metadata?.continue
    } while (token)
  }
  for (const name of group.names) {
    try {
      tables.push(
        (await session.get(pathTo(group.resource, { ...group, name }, { includeObject } as never), acceptTable)) as Table,
      )
    } catch (error) {
      if (!isMissing(error)) throw error
      if (flag.on(context, 'ignore-not-found')) continue
      context.io.err(`Error from server (NotFound): ${(error as Error).message}\n`)
      someMissing = true
    }
  }
  const [first] = tables
  if (!first) return { table: undefined, isMissing: someMissing }
  const rows = tables.flatMap(table => table.rows)
  return { table: { ...first, rows: sortBy ? sortRows(rows, sortBy) : rows }, isMissing: someMissing }
}

function sortRows(rows: readonly TableRow[], sortBy: string): TableRow[] {
  return [...rows].sort((a, b) => compare(valuesAt(sortBy, a.object)[0], valuesAt(sortBy, b.object)[0]))
}

function compare(a: unknown, b: unknown): number {
  if (a === b) return 0
  if (a === undefined || a === null) return -1
  if (b === undefined || b === null) return 1
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : 1
}

async function printTables(context: CommandContext, session: Session, groups: readonly Group[]): Promise<number> {
  const found: { group: Group; table: Table }[] = []
  let someMissing = false
  for (const group of groups) {
    const { table, isMissing: wasMissing } = await fetchTable(context, session, group)
    if (table) found.push({ group, table })
    someMissing ||= wasMissing
  }
  const kinds = found.map(({ group }) => group)
  const shown = found
    .filter(({ table }) => table.rows.length > 0)
    .map(({ group, table }) => formatTable(table, tableOptions(context, kinds, group)))
  if (shown.length > 0) context.io.out(shown.join('\n'))
  else if (!someMissing && !flag.on(context, 'ignore-not-found')) {
    const namespace = groups.some(({ resource }) => resource.namespaced) ? groups[0]?.namespace : undefined
    context.io.err(`No resources found${namespace === undefined ? '' : ` in ${namespace} namespace.`}\n`)
  }
  return someMissing ? 1 : 0
}

async function follow(
  context: CommandContext,
  session: Session,
  groups: readonly Group[],
  printer: Printer | undefined,
): Promise<number> {
  const [group, ...others] = groups
  if (!group || others.length > 0) throw new UsageError('you may only specify a single resource type')
  const [name, ...names] = group.names
  if (names.length > 0) throw new UsageError('watch is only supported on a single object or a whole type')
  const { io, signal } = context
  const withEvents = flag.on(context, 'output-watch-events')
  const show = growingTable(io.out, tableOptions(context, groups, group))
  const fieldSelector = [flag.text(context, 'field-selector'), name && `metadata.name=${name}`].filter(Boolean).join(',')
  const options = { labelSelector: flag.text(context, 'selector'), fieldSelector }

  let resourceVersion: string | undefined
  let columns: Table['columnDefinitions'] = []
  if (printer) {
    const list = (await session.get(pathTo(group.resource, { namespace: group.namespace }, options as never))) as KubeList
    resourceVersion = list.metadata.resourceVersion
    if (!flag.on(context, 'watch-only')) for (const item of list.items) io.out(await printer(item))
  } else {
    const table = (await session.get(
      pathTo(group.resource, { namespace: group.namespace }, options as never),
      acceptTable,
    )) as Table
    resourceVersion = table.metadata?.resourceVersion
    columns = table.columnDefinitions
    if (!flag.on(context, 'watch-only')) show(withEvents ? withEventColumn(table, 'ADDED') : table)
  }
  const path = pathTo(group.resource, { namespace: group.namespace }, {
    ...options,
    watch: true,
    resourceVersion,
    allowWatchBookmarks: false,
  } as never)
  try {
    const response = await session.transport.stream(path, printer ? 'application/json' : acceptTable, signal)
    for await (const batch of jsonLines(response)) {
      for (const event of batch as unknown as { type: string; object: unknown }[]) {
        if (event.type === 'ERROR') throw new Error((event.object as { message?: string }).message ?? 'the watch ended')
        if (printer) {
          io.out(await printer(withEvents ? { type: event.type, object: event.object } : event.object))
          continue
        }
        // Only the first event of a watch says what the columns are.
        const table = { ...(event.object as Table), columnDefinitions: columns }
        show(withEvents ? withEventColumn(table, event.type) : table)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return 0
}

function withEventColumn(table: Table, event: string): Table {
  return {
    ...table,
    columnDefinitions: [{ name: 'Event' }, ...table.columnDefinitions],
    rows: table.rows.map(row => ({ ...row, cells: [event, ...row.cells] })),
  }
}
