import type { KubeObject, Target } from '../../api/transport.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ApiResponse, WatchFrame } from '../request.ts'
import type { TableMaker } from '../table.ts'
import { type List, listMeta } from './list.ts'
import type { Format } from './negotiation.ts'

/** The table maker of a resource or subresource; `undefined` when it cannot be a table. */
export type TableMakers = (target: Target) => TableMaker | undefined

/** Which part of each object comes with its row. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

/** Puts answers into the meta.k8s.io form that was asked for. */
export interface Transformer {
  /** A single object. */
  object(object: unknown): unknown
  /** A list, in pieces of JSON that make one document. */
  list(list: List): Iterable<Uint8Array>
  /** A watch event's object. */
  event(frame: WatchFrame): Uint8Array
}

interface Options {
  readonly format: Format
  readonly maker: TableMaker | undefined
  readonly include: IncludeObject
  readonly clock: Clock
}

/** The transformer for a format, or `undefined` when objects go out as they are. */
export function transformer({ format, maker, include, clock }: Options): Transformer | undefined {
  const { as, version = 'v1' } = format
  if (!as) return undefined
  const apiVersion = `meta.k8s.io/${version}`
  return as === 'Table' && maker ? tableTransformer(maker, apiVersion, include, clock) : metadataTransformer(apiVersion)
}

const partial = (object: KubeObject, apiVersion: string) => ({
  kind: 'PartialObjectMetadata',
  apiVersion,
  metadata: object.metadata,
})

function metadataTransformer(apiVersion: string): Transformer {
  return {
    object: object => partial(object as KubeObject, apiVersion),
    *list(list) {
      const head = { kind: 'PartialObjectMetadataList', apiVersion, metadata: listMeta(list) }
      yield* document(head, 'items', list.items, ({ object }) => partial(object, apiVersion))
    },
    event: ({ object }) => bytes(partial(object, apiVersion)),
  }
}

function tableTransformer(maker: TableMaker, apiVersion: string, include: IncludeObject, clock: Clock): Transformer {
  const row = (object: KubeObject, now: number) => {
    const conditions = maker.conditions?.(object)
    return { cells: maker.cells(object, now), ...(conditions && { conditions }), object: included(object) }
  }
  const included = (object: KubeObject) =>
    include === 'None' ? null : include === 'Object' ? object : partial(object, apiVersion)
  const table = (metadata: unknown, isFirst = true) => ({
    kind: 'Table',
    apiVersion,
    metadata,
    columnDefinitions: isFirst ? maker.columns : null,
  })
  let isFirstEvent = true
  return {
    object(object) {
      const { metadata } = object as KubeObject
      return { ...table({ resourceVersion: metadata.resourceVersion }), rows: [row(object as KubeObject, clock.now())] }
    },
    *list(list) {
      const now = clock.now()
      yield* document(table(listMeta(list)), 'rows', list.items, ({ object }) => row(object, now))
    },
    event({ type, object }) {
      const only = type === 'BOOKMARK' ? { cells: [], object: partial(object, apiVersion) } : row(object, clock.now())
      const event = { ...table({ resourceVersion: object.metadata.resourceVersion }, isFirstEvent), rows: [only] }
      isFirstEvent = false
      return bytes(event)
    },
  }
}

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))

/** Rows that are written out together. */
const rowsPerPiece = 100

/** A JSON document whose last member is a long list, piece by piece. */
function* document<Item>(
  head: object,
  member: string,
  items: readonly Item[],
  render: (item: Item) => unknown,
): Iterable<Uint8Array> {
  yield Buffer.from(`${JSON.stringify(head).slice(0, -1)},"${member}":[`)
  for (let from = 0; from < items.length; from += rowsPerPiece) {
    const rows = items.slice(from, from + rowsPerPiece).map(item => JSON.stringify(render(item)))
    yield Buffer.from((from > 0 ? ',' : '') + rows.join(','))
  }
  yield Buffer.from(']}\n')
}

/** Whether an answer is an object that has metadata, and so can be transformed. */
export function isObject(response: ApiResponse): boolean {
  return response.type === 'object' && (response.object as { kind?: string }).kind !== 'Status'
}
