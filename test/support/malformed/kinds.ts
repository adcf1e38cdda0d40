import { SelfSubjectReview } from '../../../api/authentication/self-subject-review.ts'
import { TokenReview } from '../../../api/authentication/token-review.ts'
import { SelfSubjectAccessReview } from '../../../api/authorization/self-subject-access-review.ts'
import { SelfSubjectRulesReview } from '../../../api/authorization/self-subject-rules-review.ts'
import { LocalSubjectAccessReview, SubjectAccessReview } from '../../../api/authorization/subject-access-review.ts'
import { type AnyKind, apiVersionOf } from '../../../api/kind.ts'
import { bodyKinds, kinds } from '../../../api/kinds.ts'
import { pathOf } from '../../../api/paths.ts'
import { type Shape, shapeOf } from '../../../api/shape.ts'
import type { Random } from '../../../lib/random.ts'
import type { Written } from '../manifests.ts'
import { chance, type Family, json, noise, pick, some, target, wrong } from './request.ts'

const reviews: readonly AnyKind[] = [
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  TokenReview,
]

/** Every kind that a request may bring along. */
export const requestKinds: readonly AnyKind[] = [...kinds, ...bodyKinds, ...reviews]

const places: Readonly<Record<string, string>> = {
  Binding: `/api/v1/namespaces/default/pods/${target}/binding`,
  Eviction: `/api/v1/namespaces/default/pods/${target}/eviction`,
  Scale: `/apis/apps/v1/namespaces/default/deployments/${target}/scale`,
  TokenRequest: `/api/v1/namespaces/default/serviceaccounts/${target}/token`,
}

/** Where objects of a kind are posted to. */
export function collectionOf({ group, version, plural, namespaced, kind }: AnyKind): string {
  return places[kind] ?? pathOf({ group, version, resource: plural, ...(namespaced && { namespace: 'default' }) })
}

const methodOf = ({ kind }: AnyKind) => (kind === 'Scale' ? 'PUT' : 'POST')

/** A value of a schema but for one place, where something is that cannot be decoded; undefined: where it was tried anything goes. */
function misshapen(random: Random, shape: Shape, depth = 0): unknown {
  const isHere = depth > 0 && chance(random, 4)
  switch (shape.type) {
    case 'free':
      return undefined
    case 'value':
      return pick(random, wrongScalars[shape.goType] ?? wrongScalars.string ?? [])
    case 'object': {
      const fields = [...shape.fields]
      if (isHere || fields.length === 0) return depth === 0 ? undefined : pick(random, [1, 'x', [1], true])
      const [name, field] = pick(random, fields)
      const value = misshapen(random, field, depth + 1)
      return value === undefined ? undefined : { [name]: value }
    }
    case 'list':
    case 'map':
    default: {
      if (isHere || !shape.item)
        return pick<unknown>(random, shape.type === 'list' ? [1, 'x', {}, { a: 1 }, false] : [1, 'x', [], [1], true])
      const value = misshapen(random, shape.item, depth + 1)
      if (value === undefined) return undefined
      return shape.type === 'list' ? [value] : { [noise(random, 4)]: value }
    }
  }
}

const wrongNumbers = ['', 'x', '1', false, true, {}, [1], 1.5, 1e30]
const wrongScalars: Readonly<Record<string, readonly unknown[]>> = {
  string: [0, 1, 1.5, false, true, {}, [], ['x']],
  bool: [0, 1, '', 'true', {}, []],
  int32: [...wrongNumbers, 2 ** 31],
  int64: wrongNumbers,
  float64: ['x', true, {}, [1]],
  'v1.Time': [1, true, {}, 'yesterday', '2020-13-45T00:00:00Z', '2020-01-01'],
  'intstr.IntOrString': [{}, [1], true, 1.5],
  'resource.Quantity': ['x', '1z', '--1', {}, [1], true, '1e1e1'],
  '[]uint8': ['!', 1, {}, true],
}

/** One field of one kind has a value that its type does not allow. */
export const wrongTypes: Family = random => {
  const kind = pick(random, requestKinds)
  const { kind: name } = kind
  let fields: unknown
  for (let tries = 0; fields === undefined && tries < 20; tries++) fields = misshapen(random, shapeOf(kind.schema))
  return {
    what: `wrong type in ${name}`,
    method: methodOf(kind),
    path: `${collectionOf(kind)}${pick(random, ['', '?fieldValidation=Strict', '?fieldValidation=Ignore', '?dryRun=All'])}`,
    headers: json,
    body: JSON.stringify({ apiVersion: apiVersionOf(kind), kind: name, ...(fields as object) }),
  }
}

const words = [
  '',
  'a',
  'A',
  'a.b/c',
  '-',
  '/',
  '/a',
  '..',
  'a/../b',
  'Always',
  'Never',
  'TCP',
  'SCTP',
  'ClusterIP',
  'ExternalName',
  'None',
  'True',
  'In',
  'Exists',
  'Delete',
  'RollingUpdate',
  'Orphan',
  '10.0.0.1',
  '::1',
  '10.0.0.0/33',
  '1.2.3',
  '100%',
  '-5%',
  '1Gi',
  '-1',
  '1e99',
  '*',
  '**',
  '*.a',
  'é',
  'x'.repeat(300),
  '2020-01-01T00:00:00Z',
  '* * * * *',
  '@every 1s',
  'TZ=x * * * * *',
  '(',
  '[a-',
  '(a+)+$',
  '\\',
  '{.spec.a}',
  '$(A)',
  '__proto__',
  'constructor',
  'self.a',
  "object.spec == ''",
  '1 +',
  'kubernetes.io/hostname',
  'v1',
  'apps/v1',
  'a/b/c',
  'http://',
  'https://x:99999/',
  'system:masters',
  '\u0000',
  '🚢',
]
const figures = [0, 1, -1, 2, 80, 65_535, 65_536, 2 ** 31 - 1, -(2 ** 31), 100, 1000]

function garbageScalar(random: Random, goType: string): unknown {
  switch (goType) {
    case 'bool':
      return chance(random, 2)
    case 'int32':
    case 'int64':
      return pick(random, figures)
    case 'float64':
      return pick(random, [...figures, 0.5, -1e300])
    case 'v1.Time':
      return pick(random, ['2020-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '0001-01-01T00:00:00Z', '2020-02-29T00:00:00.123456Z'])
    case 'intstr.IntOrString':
      return pick<unknown>(random, [...figures, '', '100%', '-1%', 'http', '%', '1000%'])
    case 'resource.Quantity':
      return pick(random, ['0', '1', '-1', '1n', '1Ei', '9e99', '0.0000000001', '1000000000000000000000', 1, '-0'])
    case '[]uint8':
      return pick(random, ['', 'AAAA', Buffer.from(noise(random, 40)).toString('base64')])
    default:
      return chance(random, 4) ? noise(random, 12) : pick(random, words)
  }
}

/** Something that can be decoded, and hardly means anything. */
function garbage(random: Random, shape: Shape, depth = 0): unknown {
  switch (shape.type) {
    case 'free':
      return pick<unknown>(random, [wrong(random), { a: { b: [noise(random, 4)] } }, {}, 'x', null])
    case 'value':
      return garbageScalar(random, shape.goType)
    case 'object': {
      const fields = [...shape.fields].filter(([, field]) => depth < 8 || field.type === 'value')
      const isSmall = fields.length < 5 || chance(random, 3)
      const chosen = isSmall ? fields.filter(() => !chance(random, 3)) : some(random, 5, () => pick(random, fields))
      return Object.fromEntries(chosen.map(([name, field]) => [name, garbage(random, field, depth + 1)]))
    }
    case 'list':
    case 'map':
    default: {
      const { item } = shape
      if (!item || depth > 8) return shape.type === 'list' ? [] : {}
      if (shape.type === 'list') return some(random, 3, () => garbage(random, item, depth + 1))
      return Object.fromEntries(
        some(random, 3, () => [pick(random, words) || noise(random, 5), garbage(random, item, depth + 1)]),
      )
    }
  }
}

/** All types are right, and all else is not: what is in it goes through defaults, admission and validation. It never has a name. */
export const nonsense: Family = random => {
  const kind = pick(random, kinds)
  const {
    metadata,
    apiVersion: _version,
    kind: _name,
    ...fields
  } = garbage(random, shapeOf(kind.schema)) as Record<string, unknown>
  const deeper = Object.fromEntries(
    [...shapeOf(kind.schema).fields]
      .filter(([name]) => name === 'spec' || name === 'template' || name === 'webhooks')
      .map(([name, field]) => [name, garbage(random, field)]),
  )
  const { labels, annotations, finalizers, ownerReferences } = (metadata ?? {}) as Record<string, unknown>
  return {
    what: `nonsense in ${kind.kind}`,
    method: 'POST',
    path: `${collectionOf(kind)}${pick(random, ['', '?fieldValidation=Strict', '?dryRun=All'])}`,
    headers: json,
    body: JSON.stringify({
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      ...fields,
      ...deeper,
      metadata: chance(random, 2) ? {} : { labels, annotations, finalizers, ownerReferences },
    }),
  }
}

/** An object in order in which something has been changed, taken away or repeated. */
function spoiled(random: Random, whole: unknown): unknown {
  if (chance(random, 12) || typeof whole !== 'object' || whole === null) {
    return pick<() => unknown>(random, [
      () => wrong(random),
      () => null,
      () => pick(random, words),
      () => pick(random, figures),
      () => noise(random, 15),
      () => (Array.isArray(whole) ? [...whole, ...(whole as unknown[])] : [whole]),
      () => ({}),
      () => [],
    ])()
  }
  if (Array.isArray(whole)) {
    const at = random.below(whole.length + 1)
    return at === whole.length ? [...whole, spoiled(random, whole[0])] : whole.with(at, spoiled(random, whole[at]))
  }
  const names = Object.keys(whole)
  const name = chance(random, 8) || names.length === 0 ? pick(random, [...words, 'spec', 'status']) : pick(random, names)
  return { ...whole, [name]: spoiled(random, (whole as Record<string, unknown>)[name]) }
}

export interface Sample {
  readonly kind: AnyKind
  readonly object: Written
  /** Whether the server has it. */
  readonly isStored: boolean
}

const kindOf = ({ apiVersion, kind }: Written) => kinds.find(each => apiVersionOf(each) === apiVersion && each.kind === kind)

/** What of these objects is of a kind that requests can be made up for. */
export const samplesOf = (objects: readonly Written[], isStored: boolean): Sample[] =>
  objects.flatMap(object => {
    const kind = kindOf(object)
    return kind ? [{ kind, object, isStored }] : []
  })

/** Objects that nothing was wrong with. One label always is, so that none of them can be taken. */
export const spoiledObjects =
  (samples: readonly Sample[]): Family =>
  random => {
    const { kind, object, isStored } = pick(random, samples)
    const { metadata, apiVersion, kind: name, ...fields } = object
    let changed: unknown = fields
    for (let times = 1 + random.below(3); times > 0; times--) changed = spoiled(random, changed)
    const rest = typeof changed === 'object' && changed !== null && !Array.isArray(changed) ? changed : { spec: changed }
    const body = { ...rest, apiVersion, kind: name, metadata: { ...metadata, labels: { '-': 'x' } } }
    const path = `${collectionOf(kind)}/${metadata.name}`
    const query = pick(random, ['', '&fieldValidation=Strict', '&dryRun=All'])
    const common = { what: `spoiled ${name}`, body: JSON.stringify(body) }
    if (!isStored || chance(random, 4)) {
      return { ...common, method: 'POST', path: `${collectionOf(kind)}?${query.slice(1)}`, headers: json }
    }
    if (chance(random, 3)) return { ...common, method: 'PUT', path: `${path}?${query.slice(1)}`, headers: json }
    const type = pick(random, ['merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml'])
    const manager = type.startsWith('apply') ? `fieldManager=fuzz&force=${pick(random, ['true', 'false'])}` : 'fieldManager=fuzz'
    return { ...common, method: 'PATCH', path: `${path}?${manager}${query}`, headers: { 'content-type': `application/${type}` } }
  }

/** Statuses, of which only some can be seen to be wrong: they are rehearsed. */
export const spoiledStatuses =
  (samples: readonly Sample[]): Family =>
  random => {
    const stored = samples.filter(({ kind, isStored }) => isStored && kind.subresources.includes('status'))
    const { kind, object } = pick(random, stored)
    const shape = shapeOf(kind.schema).fields.get('status')
    const status = shape && (chance(random, 2) ? misshapen(random, shape) : garbage(random, shape))
    const { metadata, apiVersion, kind: name } = object
    const isPatch = chance(random, 2)
    return {
      what: `status of ${name}`,
      method: isPatch ? 'PATCH' : 'PUT',
      path: `${collectionOf(kind)}/${metadata.name}/status?dryRun=All`,
      headers: { 'content-type': isPatch ? 'application/merge-patch+json' : 'application/json' },
      body: JSON.stringify({ ...object, apiVersion, kind: name, metadata: { name: metadata.name }, status }),
      mayPass: true,
    }
  }
