import type { Random } from '../../lib/random.ts'

/** What an object may look like, as far as random ones go. Sorts of lists are those that patches tell apart. */
type Grammar =
  | { readonly is: 'value'; readonly of: readonly unknown[] }
  | { readonly is: 'map'; readonly fields: Readonly<Record<string, Grammar>>; readonly retainsKeys?: boolean }
  | { readonly is: 'keyed'; readonly key: string; readonly keys: readonly unknown[]; readonly item: Grammar }
  | { readonly is: 'set'; readonly of: readonly string[] }

const value = (...of: readonly unknown[]): Grammar => ({ is: 'value', of })
const map = (fields: Readonly<Record<string, Grammar>>, retainsKeys = false): Grammar => ({ is: 'map', fields, retainsKeys })
const keyed = (key: string, keys: readonly unknown[], item: Grammar): Grammar => ({ is: 'keyed', key, keys, item })
const set = (...of: readonly string[]): Grammar => ({ is: 'set', of })

const labels = map({ a: value('1', '2'), b: value('1', '2'), 'x/y': value('1', '2') })
const container = map({
  image: value('one', 'two'),
  command: value(['a'], ['a', 'b'], []),
  env: keyed('name', ['A', 'B', 'C'], map({ value: value('x', 'y') })),
  ports: keyed('containerPort', [80, 443, 53], map({ protocol: value('TCP', 'UDP'), name: value('p', 'q') })),
  volumeMounts: keyed('mountPath', ['/a', '/b'], map({ name: value('v', 'w') })),
  resources: map({ limits: map({ cpu: value('1', '2'), memory: value('1Gi') }) }),
  livenessProbe: map({ httpGet: map({ path: value('/'), port: value(80, 'http') }) }),
})
const podSpec = map({
  containers: keyed('name', ['c', 'd', 'e'], container),
  initContainers: keyed('name', ['i', 'j'], container),
  volumes: keyed(
    'name',
    ['v', 'w', 'u'],
    map({ emptyDir: map({ medium: value('Memory') }), hostPath: map({ path: value('/p') }) }, true),
  ),
  tolerations: value([{ key: 'k' }], [{ key: 'l' }, { key: 'm' }]),
  nodeSelector: labels,
  hostAliases: keyed('ip', ['1.1.1.1', '2.2.2.2'], map({ hostnames: value(['h'], ['i']) })),
  imagePullSecrets: keyed('name', ['s', 't'], map({})),
  terminationGracePeriodSeconds: value(1, 2),
  topologySpreadConstraints: keyed('topologyKey', ['z', 'h'], map({ maxSkew: value(1, 2) })),
})
const conditions = keyed('type', ['A', 'B', 'C'], map({ status: value('True', 'False'), reason: value('r') }))
const metadata = {
  labels,
  annotations: labels,
  finalizers: set('f/a', 'f/b', 'f/c', 'f/d'),
  ownerReferences: keyed(
    'uid',
    ['1', '2', '3'],
    map({ name: value('n', 'm'), kind: value('K'), controller: value(true, false) }),
  ),
}

/** The kinds there are random objects of, by what merging them has to cope with. */
export const patchable: Readonly<
  Record<string, { readonly apiVersion: string; readonly fields: Readonly<Record<string, Grammar>> }>
> = {
  Deployment: {
    apiVersion: 'apps/v1',
    fields: {
      spec: map({
        replicas: value(1, 2),
        strategy: map({ type: value('Recreate', 'RollingUpdate'), rollingUpdate: map({ maxSurge: value(1, '25%') }) }, true),
        template: map({ metadata: map({ labels }), spec: podSpec }),
        selector: map({ matchLabels: labels }),
      }),
      status: map({ conditions, replicas: value(1) }),
    },
  },
  Pod: {
    apiVersion: 'v1',
    fields: { spec: podSpec, status: map({ conditions, podIPs: keyed('ip', ['1.1.1.1', '2.2.2.2'], map({})) }) },
  },
  Service: {
    apiVersion: 'v1',
    fields: {
      spec: map({
        ports: keyed(
          'port',
          [80, 443, 53],
          map({ name: value('a', 'b'), protocol: value('TCP', 'UDP'), targetPort: value(1, 'x') }),
        ),
        selector: labels,
        externalIPs: value(['1.1.1.1'], ['2.2.2.2']),
      }),
    },
  },
  ConfigMap: { apiVersion: 'v1', fields: { data: labels, immutable: value(true) } },
  Node: {
    apiVersion: 'v1',
    fields: {
      spec: map({
        podCIDRs: set('10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24'),
        taints: value([{ key: 'a', effect: 'NoSchedule' }], []),
      }),
      status: map({ addresses: keyed('type', ['InternalIP', 'Hostname'], map({ address: value('1', '2') })), conditions }),
    },
  },
  ServiceAccount: { apiVersion: 'v1', fields: { secrets: keyed('name', ['s', 't', 'u'], map({ namespace: value('n') })) } },
}

type Json = Record<string, unknown>

/** Makes random objects and patches that fit them; a patch never says what no server could do. */
export function randomPatches(random: Random) {
  const maybe = (chance: number) => random.next() < chance
  const pick = <T>(from: readonly T[]): T => from[random.below(from.length)] as T
  function shuffled<T>(items: readonly T[]): T[] {
    const result = [...items]
    for (let i = result.length - 1; i > 0; i--) {
      const j = random.below(i + 1)
      ;[result[i], result[j]] = [result[j] as T, result[i] as T]
    }
    return result
  }

  function objectOf(grammar: Grammar): unknown {
    if (grammar.is === 'value') return pick(grammar.of)
    if (grammar.is === 'set') return shuffled(grammar.of.filter(() => maybe(0.5)))
    if (grammar.is === 'map') {
      const some = Object.entries(grammar.fields).filter(() => maybe(0.6))
      return Object.fromEntries(some.map(([name, field]) => [name, objectOf(field)]))
    }
    const { key, keys, item } = grammar
    return shuffled(keys.filter(() => maybe(0.5))).map(id => ({ [key]: id, ...(objectOf(item) as object) }))
  }

  function patchOf(grammar: Grammar): unknown {
    if (maybe(0.06)) return null
    if (grammar.is === 'value') return pick(grammar.of)
    if (grammar.is === 'set') return shuffled(grammar.of.filter(() => maybe(0.5)))
    return grammar.is === 'map' ? mapPatch(grammar) : listPatch(grammar)
  }

  function mapPatch({ fields, retainsKeys }: Extract<Grammar, { is: 'map' }>): Json {
    const patch: Json = {}
    for (const [name, field] of shuffled(Object.entries(fields))) {
      if (!maybe(0.35)) continue
      patch[name] = patchOf(field)
      if (field.is === 'set') withDeletions(patch, name, field.of)
      if (field.is === 'set' || field.is === 'keyed') withOrder(patch, name, field)
    }
    if (maybe(0.03)) patch.$patch = pick(['replace', 'delete'])
    if (retainsKeys && maybe(0.4)) patch.$retainKeys = Object.keys(patch).filter(name => !name.startsWith('$'))
    return patch
  }

  function withDeletions(patch: Json, name: string, values: readonly string[]): void {
    if (!maybe(0.4)) return
    const given = Array.isArray(patch[name]) ? (patch[name] as unknown[]) : []
    patch[`$deleteFromPrimitiveList/${name}`] = values.filter(each => !given.includes(each) && maybe(0.4))
  }

  /** The order of what the patch brings, with others that may be there in between. */
  function withOrder(patch: Json, name: string, field: Extract<Grammar, { is: 'set' | 'keyed' }>): void {
    if (!maybe(0.5) || !Array.isArray(patch[name]) || patch[name].length === 0) return // kubectl cannot order nothing
    const idOf = (item: unknown) => (field.is === 'keyed' ? (item as Json)[field.key] : item)
    const order = (patch[name] as unknown[])
      .filter(item => field.is === 'set' || ((item as Json).$patch !== 'delete' && idOf(item) !== undefined))
      .map(idOf)
    const others: readonly unknown[] = field.is === 'keyed' ? field.keys : field.of
    for (const other of others) if (!order.includes(other) && maybe(0.5)) order.splice(random.below(order.length + 1), 0, other)
    patch[`$setElementOrder/${name}`] = field.is === 'keyed' ? order.map(id => ({ [field.key]: id })) : order
  }

  function listPatch({ key, keys, item }: Extract<Grammar, { is: 'keyed' }>): Json[] {
    const items = shuffled(keys.filter(() => maybe(0.5))).map((id): Json => {
      if (maybe(0.15)) return { [key]: id, $patch: pick(['delete', 'replace']) }
      const patch = patchOf(item) as Json | null
      if (patch?.$retainKeys) (patch.$retainKeys as unknown[]).push(key)
      return { [key]: id, ...patch }
    })
    if (maybe(0.05)) items.unshift({ $patch: 'replace' })
    return items
  }

  return {
    kind: () => pick(Object.keys(patchable)),
    object(kind: string): Json {
      const { apiVersion = '', fields = {} } = patchable[kind] ?? {}
      const body = objectOf(map(fields)) as Json
      return { apiVersion, kind, metadata: { ...(objectOf(map(metadata)) as Json), name: 'x', namespace: 'default' }, ...body }
    },
    strategic(kind: string): Json {
      const { $patch: _patch, ...patch } = mapPatch(map({ metadata: map(metadata), ...patchable[kind]?.fields }) as never)
      if (patch.metadata === null) delete patch.metadata
      delete (patch.metadata as Json | undefined)?.$patch // it would take the name away
      return patch
    },
    merge(kind: string): Json {
      const { metadata: own, ...patch } = objectOf(map({ metadata: map(metadata), ...patchable[kind]?.fields })) as Json
      for (const name of Object.keys(patch)) if (maybe(0.2)) patch[name] = null
      return { ...patch, ...(own !== undefined && { metadata: own as Json }) }
    },
    /** Operations that hold for every object: on labels and annotations, which they make first. */
    json(): Json[] {
      const path = () => `/metadata/${pick(['labels', 'annotations'])}/${pick(['a', 'b', 'x~1y', 'new'])}`
      const start = ['labels', 'annotations'].map(name => ({
        op: 'add',
        path: `/metadata/${name}`,
        value: { a: '1', b: '2', 'x/y': '3', new: '4' },
      }))
      const more = Array.from({ length: 1 + random.below(4) }, (): Json => {
        const op = pick(['add', 'replace', 'copy'])
        return op === 'copy' ? { op, from: path(), path: path() } : { op, path: path(), value: pick(['1', '5', '9']) }
      })
      return [...start, ...more]
    },
  }
}
