import type { ApiResponse } from '../request.ts'

/** A list as the pipeline answers it. */
export type List = Extract<ApiResponse, { type: 'list' }>

/** A list as bytes: what is before the items, between them and after them is written here, the items are the shared bytes. */
export function* listBytes(list: List): Iterable<Uint8Array> {
  yield listHead(list)
  let isFirst = true
  for (const { bytes } of list.items) {
    if (!isFirst) yield comma
    isFirst = false
    yield bytes
  }
  yield listEnd
}

/** How many bytes `listBytes` comes to. */
export function listLength(list: List): number {
  let length = listHead(list).length + listEnd.length + Math.max(0, list.items.length - 1)
  for (const { bytes } of list.items) length += bytes.length
  return length
}

const comma = Buffer.from(',')
const listEnd = Buffer.from(']}\n')

function listHead(list: List): Buffer {
  const { kind, apiVersion } = list
  const head = JSON.stringify({ kind, apiVersion, metadata: listMeta(list) })
  return Buffer.from(`${head.slice(0, -1)},"items":[`)
}

/** The metadata of a list, whatever it is turned into. */
export function listMeta(list: List): Record<string, unknown> {
  return {
    resourceVersion: list.resourceVersion,
    ...(list.continue && { continue: list.continue }),
    ...(list.remainingItemCount !== undefined && { remainingItemCount: list.remainingItemCount }),
  }
}
