import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ApiError } from '../api/errors.ts'
import type { Cause } from '../api/journal.ts'
import type { AnyKind, InputOf } from '../api/kind.ts'
import { keyOf } from '../api/meta.ts'
import type { KubeObject } from '../api/transport.ts'
import type { Client, Ref, WriteOptions } from '../client/client.ts'
import type { Change, Informer, Informers } from '../client/informer.ts'
import { objectCache } from '../client/object-cache.ts'
import { copy, deepFreeze, type Mutable } from '../lib/json.ts'
import { schedulerCache } from './cache.ts'
import { prepareFilters } from './filters.ts'
import { type Cycle, isRefusal, type Plugin } from './framework.ts'
import { stillInformer } from './listed-objects.ts'
import { nominator } from './nominator.ts'
import { podInfo } from './pod-info.ts'

type Labels = Record<string, string>
type PodSpecInput = NonNullable<InputOf<typeof Pod>['spec']>

interface PodOptions extends PodSpecInput {
  name?: string
  namespace?: string
  labels?: Labels
  /** Of the one container. */
  cpu?: string
  memory?: string
  status?: InputOf<typeof Pod>['status']
  deletionTimestamp?: string
}

let made = 0

/** A pod as the server would hand it out; one container that asks for `cpu` and `memory`. */
export function pod({
  name,
  namespace = 'default',
  labels,
  cpu,
  memory,
  status,
  deletionTimestamp,
  ...spec
}: PodOptions = {}): Pod {
  const id = ++made
  const requests = { ...(cpu && { cpu }), ...(memory && { memory }) }
  const metadata = {
    name: name ?? `pod-${id}`,
    namespace,
    uid: `uid-${id}`,
    resourceVersion: String(id),
    ...(labels && { labels }),
  }
  return deepFreeze(
    Pod.schema.parse({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, creationTimestamp: '2026-01-01T00:00:00Z', ...(deletionTimestamp && { deletionTimestamp }) },
      spec: { containers: [{ name: 'main', image: 'web:1', resources: { requests } }], priority: 0, ...spec },
      ...(status && { status }),
    }),
  )
}

interface NodeOptions {
  name?: string
  labels?: Labels
  cpu?: string
  memory?: string
  pods?: string
  allocatable?: Record<string, string>
  taints?: { key: string; value?: string; effect: 'NoSchedule' | 'NoExecute' | 'PreferNoSchedule' }[]
  unschedulable?: boolean
  images?: { names: string[]; sizeBytes: number }[]
}

/** A node with room for 4 cpu, 8Gi and 110 pods. */
export function node({
  name,
  labels,
  cpu = '4',
  memory = '8Gi',
  pods = '110',
  allocatable,
  images,
  ...spec
}: NodeOptions = {}): Node {
  const id = ++made
  return deepFreeze(
    Node.schema.parse({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: name ?? `node-${id}`,
        uid: `uid-${id}`,
        resourceVersion: String(id),
        labels: { 'kubernetes.io/hostname': name ?? `node-${id}`, ...labels },
      },
      spec,
      status: { allocatable: { cpu, memory, pods, ...allocatable }, ...(images && { images }) },
    }),
  )
}

export interface FakeCall {
  readonly verb: string
  readonly kind: string
  readonly name: string
  readonly subresource?: string | undefined
  readonly body?: unknown
  readonly cause?: Cause | undefined
}

/** An API server of a few maps: what is written is seen by the informers in a later turn, as over a real watch. */
export interface FakeApi {
  readonly client: Client
  readonly informers: Informers
  readonly calls: readonly FakeCall[]
  /** Writes as somebody else would, at once. */
  put(kind: AnyKind, object: KubeObject): void
  remove(kind: AnyKind, key: string): void
  get<K extends AnyKind>(kind: K, key: string): KubeObject | undefined
  pod(key: string): Pod
  /** Answers an error instead of carrying the next such calls out. */
  refuse(isRefused: (call: FakeCall) => Error | undefined): void
}

export function fakeApi(): FakeApi {
  const calls: FakeCall[] = []
  const kinds = new Map<string, ReturnType<typeof fakeInformer>>()
  let refusal: (call: FakeCall) => Error | undefined = () => undefined
  let revision = 1_000_000

  const of = (kind: AnyKind) => {
    const informer = kinds.get(kind.kind) ?? fakeInformer()
    kinds.set(kind.kind, informer)
    return informer
  }
  const put = (kind: AnyKind, object: KubeObject) => {
    const next = copy(object) as Mutable<KubeObject>
    next.metadata.resourceVersion = String(++revision)
    of(kind).put(deepFreeze(next), revision)
  }
  const change = (kind: AnyKind, ref: Ref, edit: (object: Mutable<KubeObject>) => void) => {
    const object = of(kind).cache.get(keyOf({ metadata: ref }))
    if (!object) throw new ApiError('NotFound', `${kind.plural} "${ref.name}" not found`)
    const next = copy(object)
    edit(next)
    put(kind, next)
  }
  const remove = (kind: AnyKind, key: string) => of(kind).remove(key, ++revision)

  const clientAs = (cause?: Cause): Client => {
    const call = async (verb: string, kind: AnyKind, ref: Ref, body: unknown, options: WriteOptions = {}, effect = () => {}) => {
      const { subresource, note } = options
      const made = { verb, kind: kind.kind, name: ref.name, subresource, body, cause: note && cause ? { ...cause, note } : cause }
      calls.push(made)
      await new Promise(resolve => setImmediate(resolve))
      const error = refusal(made)
      if (error) throw error
      effect()
      return of(kind).cache.get(keyOf({ metadata: ref }))
    }
    const client = {
      as: clientAs,
      createSubresource: (kind: AnyKind, ref: Ref, subresource: string, body: unknown, options?: WriteOptions) =>
        call('create', kind, ref, body, { ...options, subresource }, () =>
          change(kind, ref, object => {
            ;(object as Mutable<Pod>).spec.nodeName = (body as { target: { name: string } }).target.name
          }),
        ),
      patch: (kind: AnyKind, ref: Ref, _type: string, patch: unknown, options?: WriteOptions) =>
        call('patch', kind, ref, patch, options, () => change(kind, ref, object => mergeInto(object, patch))),
      update: (kind: AnyKind, object: KubeObject, options?: WriteOptions) =>
        call('update', kind, object.metadata, object, options, () => put(kind, object)),
      delete: (kind: AnyKind, ref: Ref, options?: WriteOptions) =>
        call('delete', kind, ref, undefined, options, () => remove(kind, keyOf({ metadata: ref }))),
    }
    return client as unknown as Client
  }

  return {
    client: clientAs(),
    informers: {
      of: ((kind: AnyKind) => of(kind).informer) as Informers['of'],
      forget: () => {},
      run: async () => {},
      synced: async () => {},
    },
    calls,
    put,
    remove,
    get: (kind, key) => of(kind).cache.get(key),
    pod(key) {
      const found = of(Pod).cache.get(key)
      if (!found) throw new Error(`no pod ${key}`)
      return found as Pod
    },
    refuse(isRefused) {
      refusal = isRefused
    },
  }
}

function mergeInto(object: Mutable<KubeObject>, patch: unknown): void {
  const merge = (into: Record<string, unknown>, from: Record<string, unknown>) => {
    for (const [key, value] of Object.entries(from)) {
      const old = into[key]
      if (value === null) delete into[key]
      else if (typeof value === 'object' && !Array.isArray(value) && typeof old === 'object' && old)
        merge(old as never, value as never)
      else if (key === 'conditions' && Array.isArray(value) && Array.isArray(old)) {
        const types = new Set(value.map(({ type }) => type))
        into[key] = [...old.filter(({ type }) => !types.has(type)), ...value]
      } else into[key] = value
    }
  }
  merge(object as never, patch as never)
}

function fakeInformer() {
  const cache = objectCache<KubeObject>()
  const handlers = new Set<(changes: readonly Change[]) => void>()
  const tell = (change: Change) => {
    for (const handler of handlers) handler([change])
  }
  const informer: Informer = {
    ...stillInformer(cache),
    subscribe(handler) {
      handlers.add(handler)
      if (cache.size > 0) handler(cache.list().map(object => ({ type: 'added', object, revision: 0 })))
      return () => handlers.delete(handler)
    },
  }
  return {
    cache,
    informer,
    put(object: KubeObject, revision: number) {
      const previous = cache.set(object)
      tell(previous ? { type: 'modified', object, previous, revision } : { type: 'added', object, revision })
    },
    remove(key: string, revision: number) {
      const object = cache.remove(key)
      if (object) tell({ type: 'deleted', object, previous: object, revision })
    },
  }
}

/** Nodes and the pods on them, and what single plugins say of a further pod. */
export function world(nodes: readonly Node[], placed: Readonly<Record<string, readonly Pod[]>> = {}) {
  const cache = schedulerCache()
  for (const one of nodes) cache.setNode(one)
  for (const [nodeName, pods] of Object.entries(placed)) for (const one of pods) cache.setPod(podInfo(one), nodeName)
  const cycleOf = (one: Pod): Cycle => ({ pod: podInfo(one), snapshot: cache.snapshot() })
  return {
    cache,
    cycleOf,
    /** What a plugin's filter says of each node, by name: the reasons, or undefined; one text when the pre-filter refuses. */
    filter<S, T>(plugin: Plugin<S, T>, one: Pod): string | Record<string, string | undefined> {
      const cycle = cycleOf(one)
      const filters = prepareFilters([plugin as Plugin], nominator(), cycle)
      if (isRefusal(filters)) return `${filters.code}: ${filters.reasons.join(', ')}`
      const answers = cycle.snapshot.nodes.map(({ name }) => [
        name,
        filters.nodes && !filters.nodes.has(name) ? 'not asked' : undefined,
      ])
      for (const [i, info] of cycle.snapshot.nodes.entries()) {
        const refusal = filters.check(info)
        if (refusal && answers[i]) answers[i][1] ??= `${refusal.code}: ${refusal.reasons.join(', ')}`
      }
      return Object.fromEntries(answers)
    },
    /** A plugin's normalised score of each node, by name; undefined when it has nothing to say. */
    score<S, T>(plugin: Plugin<S, T>, one: Pod): Record<string, number> | undefined {
      const cycle = cycleOf(one)
      const { nodes } = cycle.snapshot
      const prepared = plugin.preScore?.(cycle, nodes)
      if (prepared === 'skip') return undefined
      const state = prepared?.state as T
      const scores = Float64Array.from(nodes, info => plugin.score?.(cycle.pod, info, state) ?? 0)
      plugin.normalize?.(scores, nodes, state)
      return Object.fromEntries(nodes.map(({ name }, i) => [name, scores[i] ?? 0]))
    },
  }
}
