import type { AnyKind } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import type { Client } from './client.ts'

/** What became of a write: the revision that the server answered with, or, after a deletion, the version that cannot stay. */
export type Written =
  | { readonly kind: AnyKind; readonly revision: number }
  | { readonly kind: AnyKind; readonly key: string; readonly deletedVersion: string }

interface Restrictions {
  /** Who is restricted, for the message. */
  name: string
  writes: readonly AnyKind[]
  /** Whether custom resources may be written, whichever there are. */
  writesCustom?: boolean
  /** Subresources that may be written whatever the kind: `scale`. */
  writesSubresources?: readonly string[] | undefined
  /** Called after every successful write that changed something one can wait for. */
  onWrite: (written: Written) => void
  /** The version of an object as the caller knew it, before it is deleted. */
  knownVersion: (kind: AnyKind, key: string) => string | undefined
}

/** A client that refuses to write other kinds than it declared, and tells which revisions its writes made. */
export function restrictedClient(client: Client, restrictions: Restrictions): Client {
  const { name, writes, writesCustom = false, writesSubresources = [], onWrite, knownVersion } = restrictions
  const check = (kind: AnyKind, subresource?: string) => {
    if (writes.includes(kind) || (writesCustom && kind.dynamic)) return
    if (subresource !== undefined && writesSubresources.includes(subresource)) return
    if (writes.some(allowed => allowed.kind === kind.kind && allowed.group === kind.group)) return
    throw new Error(`${name} may not write ${kind.kind}: it did not declare it`)
  }
  const told = <T>(kind: AnyKind, answer: T): T => {
    const revision = revisionOf(answer)
    if (revision) onWrite({ kind, revision })
    return answer
  }
  return {
    get: client.get,
    getSubresource: client.getSubresource,
    read: client.read,
    list: client.list,
    watch: client.watch,
    async create(kind, object, options) {
      check(kind)
      return told(kind, await client.create(kind, object, options))
    },
    async update(kind, object, options) {
      check(kind, options?.subresource)
      return told(kind, await client.update(kind, object, options))
    },
    async updateStatus(kind, object, options) {
      check(kind)
      return told(kind, await client.updateStatus(kind, object, options))
    },
    async patch(kind, ref, type, patch, options) {
      check(kind)
      return told(kind, await client.patch(kind, ref, type, patch, options))
    },
    async delete(kind, ref, options) {
      check(kind)
      const key = ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name
      const deletedVersion = knownVersion(kind, key)
      const answer = await client.delete(kind, ref, options)
      // The answer to a deletion need not carry its revision.
      if (deletedVersion !== undefined) onWrite({ kind, key, deletedVersion })
      return answer
    },
    async deleteCollection(kind, options) {
      check(kind)
      return client.deleteCollection(kind, options)
    },
    async createSubresource(kind, ref, subresource, body, options) {
      check(kind)
      return client.createSubresource(kind, ref, subresource, body, options)
    },
    as: cause => restrictedClient(client.as(cause), restrictions),
  }
}

function revisionOf(answer: unknown): number {
  return Number((answer as Partial<KubeObject>).metadata?.resourceVersion ?? 0)
}
