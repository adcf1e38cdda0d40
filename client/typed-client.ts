import type { Cause } from '../api/journal.ts'
import type { AnyKind } from '../api/kind.ts'
import type { Call, CallOptions, KubeObject, Target, Transport, Verb } from '../api/transport.ts'
import type { Client, DeleteOptions, ListOptions, Ref, WriteOptions } from './client.ts'

type Written = Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>

/** A typed client over a transport; every write is journalled under the cause, when there is one. */
export function createClient(transport: Transport, { defaultCause }: { defaultCause?: Cause } = {}): Client {
  const read = (verb: Verb, kind: AnyKind, namespace: string | undefined, name?: string, options?: CallOptions): Call => ({
    verb,
    group: kind.group,
    version: kind.version,
    resource: kind.plural,
    ...(namespace && kind.namespaced && { namespace }),
    ...(name !== undefined && { name }),
    ...(options && { options }),
  })

  const write = (
    verb: Verb,
    kind: AnyKind,
    ref: Partial<Ref>,
    body: unknown,
    write: WriteOptions,
    options?: CallOptions,
  ): Call => {
    const call = read(verb, kind, ref.namespace, ref.name)
    if (body !== undefined) call.body = body
    if (write.subresource) call.subresource = write.subresource
    if (write.dryRun || options) call.options = { ...options, ...(write.dryRun && { dryRun: true }) }
    if (defaultCause) call.cause = write.note ? { ...defaultCause, note: write.note } : defaultCause
    else if (write.note) call.cause = { actor: 'unknown', note: write.note }
    return call
  }

  const update = (kind: AnyKind, object: Written, options: WriteOptions) =>
    transport.call(write('update', kind, object.metadata, complete(kind, object), options))

  const client = {
    get: (kind: AnyKind, ref: Ref) => transport.call(read('get', kind, ref.namespace, ref.name)),
    read: (target: Target, options?: CallOptions) =>
      transport.call({ ...target, verb: target.name === undefined ? 'list' : 'get', ...(options && { options }) }),
    getSubresource: (kind: AnyKind, ref: Ref, subresource: string) =>
      transport.call({ ...read('get', kind, ref.namespace, ref.name), subresource }),
    list: (kind: AnyKind, { namespace, ...options }: ListOptions = {}) =>
      transport.call(read('list', kind, namespace, undefined, options)),
    watch: (kind: AnyKind, { namespace, ...options }: ListOptions & { resourceVersion: string }, signal: AbortSignal) =>
      transport.watch(read('watch', kind, namespace, undefined, { ...options, allowWatchBookmarks: true }), signal),
    create: (kind: AnyKind, object: Written, options: WriteOptions = {}) =>
      transport.call(write('create', kind, { namespace: object.metadata.namespace }, complete(kind, object), options)),
    update: (kind: AnyKind, object: Written, options: WriteOptions = {}) => update(kind, object, options),
    updateStatus: (kind: AnyKind, object: Written, options: WriteOptions = {}) =>
      update(kind, object, { ...options, subresource: 'status' }),
    patch: (kind: AnyKind, ref: Ref, patchType: Call['patchType'], patch: unknown, options: WriteOptions = {}) =>
      transport.call({ ...write('patch', kind, ref, patch, options), ...(patchType && { patchType }) }),
    delete: (kind: AnyKind, ref: Ref, options: DeleteOptions = {}) =>
      transport.call(write('delete', kind, ref, undefined, options, deletion(options))),
    async deleteCollection(kind: AnyKind, options: ListOptions & DeleteOptions) {
      const selection = { ...deletion(options), ...selectors(options) }
      await transport.call(write('deletecollection', kind, { namespace: options.namespace }, undefined, options, selection))
    },
    createSubresource: (kind: AnyKind, ref: Ref, subresource: string, body: unknown, options: WriteOptions = {}) =>
      transport.call(write('create', kind, ref, body, { ...options, subresource })),
    as: (cause: Cause) => createClient(transport, { defaultCause: cause }),
  }
  // The transport cannot know that a kind's path answers with that kind's type; this is the one place that says so.
  return client as unknown as Client
}

/** The object with its apiVersion and kind, which callers may leave out: the kind says them. */
function complete(kind: AnyKind, object: Written): Written {
  if (object.apiVersion && object.kind) return object
  return { ...object, apiVersion: kind.group ? `${kind.group}/${kind.version}` : kind.version, kind: kind.kind }
}

function deletion({ gracePeriodSeconds, propagationPolicy, preconditions }: DeleteOptions): CallOptions {
  return {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(preconditions && { preconditions }),
  }
}

function selectors({ labelSelector, fieldSelector }: ListOptions): CallOptions {
  return { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) }
}
