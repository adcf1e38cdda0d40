import type { ApiError } from '../api/errors.ts'
import { type AnyKind, apiVersionOf } from '../api/kind.ts'
import type { CallOptions } from '../api/transport.ts'
import type { Clock } from '../lib/clock.ts'
import type { Store } from '../storage/store.ts'
import { candidates, prepareIndex } from './candidates.ts'
import { stored } from './codec.ts'
import { type ContinueToken, decodeToken, encodeToken } from './continue-token.ts'
import type { ApiResponse, Stored } from './request.ts'
import { type Selection, selectionOf } from './selection.ts'
import { visitInSlices } from './slices.ts'
import { expired, fromStore, listExpiredMessage } from './store-errors.ts'
import { listVersion } from './versions.ts'
import type { WatchCache } from './watch-cache.ts'

export type ListResponse = Extract<ApiResponse, { type: 'list' }>

interface Dependencies {
  readonly store: Store
  readonly cache: WatchCache
  readonly clock: Clock
}

/** A part of a list: what was found, and the key to go on after if there is more. */
interface Page {
  readonly items: readonly Stored[]
  readonly last?: string | undefined
  readonly remaining?: number | undefined
}

/** How a LIST is answered: from the cache when it holds the very revision asked for, from the store's history otherwise. */
export function lister({ store, cache, clock }: Dependencies) {
  async function list(kind: AnyKind, namespace: string | undefined, options: CallOptions): Promise<ListResponse> {
    const selection = selectionOf(kind, namespace, options)
    const version = listVersion(options)
    const token = options.continue ? decodeToken(options.continue) : undefined
    // A list of anything at hand ignores the limit, as upstream's watch cache does: informers send both.
    const limit = 'atLeast' in version && version.atLeast === 0 && !token ? 0 : Math.max(0, options.limit ?? 0)
    const after = token && selection.prefix + token.after
    const revision = token && token.revision > 0 ? token.revision : 'exactly' in version && !token ? version.exactly : undefined

    if (revision !== undefined) await waitFor(revision)
    if (revision === undefined && 'atLeast' in version) await waitFor(version.atLeast)
    const known = 'newest' in version && revision === undefined ? await cache.latest(kind) : await cache.of(kind)
    await prepareIndex(known, selection, clock)
    // From here until the candidates are taken nothing may be awaited: they have to be those of one revision.
    const at = revision ?? cache.revision
    const page =
      known.changedAt <= at
        ? await choose(candidates(known, selection, after), selection, limit)
        : await fromHistory(selection, at, after, limit, token)
    return response(kind, selection, page, at)
  }

  async function waitFor(revision: number): Promise<void> {
    if (revision > cache.revision) await cache.reached(revision)
  }

  async function choose(candidates: Iterable<[string, Stored]>, { matches }: Selection, limit: number): Promise<Page> {
    const items: Stored[] = []
    let last: string | undefined
    let remaining = 0
    const take = ([key, object]: readonly [string, Stored]) => {
      if (limit > 0 && items.length === limit) remaining++
      else if (!matches || matches(object)) {
        items.push(object)
        last = key
      }
    }
    if (matches) await visitInSlices(candidates, clock, take)
    else for (const candidate of candidates) take(candidate)
    return remaining > 0 ? { items, last, ...(!matches && { remaining }) } : { items }
  }

  async function fromHistory(
    { prefix, matches }: Selection,
    at: number,
    start: string | undefined,
    limit: number,
    token: ContinueToken | undefined,
  ): Promise<Page> {
    const items: Stored[] = []
    let after = start
    for (;;) {
      const page = { at, after, ...(limit > 0 && { limit: matches ? Math.max(limit, 500) : limit - items.length }) }
      const { entries, more } = await fromStore(store.list(prefix, page), () => tooOld(token))
      for (const [index, { key, value, revision }] of entries.entries()) {
        const object = stored(value, revision)
        if (matches && !matches(object)) continue
        items.push(object)
        if (limit === 0 || items.length < limit) continue
        if (!more && index === entries.length - 1) return { items }
        const left = token?.remaining
        return { items, last: key, remaining: matches || left === undefined ? undefined : left - items.length }
      }
      after = entries.at(-1)?.key
      if (!more || after === undefined) return { items }
    }
  }

  return list
}

function response(kind: AnyKind, { prefix }: Selection, { items, last, remaining }: Page, at: number): ListResponse {
  return {
    type: 'list',
    apiVersion: apiVersionOf(kind),
    kind: kind.listKind,
    items,
    resourceVersion: String(at),
    ...(last !== undefined && { continue: encodeToken({ revision: at, after: last.slice(prefix.length), remaining }) }),
    ...(last !== undefined && remaining !== undefined && { remainingItemCount: remaining }),
  }
}

/** A continued list may go on without consistency: the token in the answer reads on at the newest revision. */
function tooOld(token: ContinueToken | undefined): ApiError {
  if (!token) return expired(listExpiredMessage)
  const message =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the ' +
    'continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with ' +
    'the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the ' +
    'first chunk was returned and now may show up in the list.'
  return expired(message, encodeToken({ revision: -1, after: token.after }))
}
