import type { Random } from '../../lib/random.ts'

/** A request that no server should take: the bytes of it, and what is wrong. */
export interface Malformed {
  readonly what: string
  readonly bytes: Buffer
  /** The framing itself is broken, so that nothing can be sent on the connection after it. */
  readonly breaksConnection?: boolean
  /** What is wrong are the credentials, so that it must come without a certificate. */
  readonly isAnonymous?: boolean
}

interface Parts {
  readonly isAnonymous?: boolean
  readonly what: string
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

const maps = '/api/v1/namespaces/default/configmaps'
/** An object that is there, for patches and deletes to fail on. */
export const target = 'target'
const json = { 'content-type': 'application/json' }

/** One of many ways to be wrong, filled in at random. No body has a name, so that none is right by accident. */
export function malformed(random: Random): Malformed {
  const family = pick(random, families)
  const made = family(random)
  if ('bytes' in made) return made
  return { what: made.what, bytes: bytesOf(made), ...(made.isAnonymous && { isAnonymous: true }) }
}

function bytesOf({ method = 'GET', path = maps, headers = {}, body = '' }: Parts): Buffer {
  const content = Buffer.from(body)
  const lines = Object.entries({ host: 'localhost', 'content-length': String(content.length), ...headers })
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), content])
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)] as T

/** Text in which everything may occur that fits into a line. */
const noise = (random: Random, most: number) =>
  Array.from({ length: 1 + random.below(most) }, () => pick(random, alphabet)).join('')
const alphabet = [...'abcXYZ019-._~/%?&=+,;:!@$()*{}[]"\'\\|^`<>é\u0001\u007fÿ'.replaceAll(/[\r\n ]/g, '')]
const escaped = (random: Random, most: number) => encodeURIComponent(noise(random, most))
const bytes = (random: Random, most: number) => Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)))

type Family = (random: Random) => Parts | Malformed

const paths: Family = random => ({
  what: 'path',
  method: pick(random, ['GET', 'DELETE', 'PATCH', 'PUT', 'POST']),
  ...(random.below(2) === 0 && { headers: { ...json, 'content-type': 'application/merge-patch+json' }, body: '{"a"' }),
  path: pick(random, [
    () => `/api/v1/namespaces/default/${escaped(random, 12)}-`,
    () => `/api/v1/nodes/none/${escaped(random, 10)}`,
    () => `/apis/${escaped(random, 20)}/${escaped(random, 5)}/things`,
    () => `/api/v1/namespaces/default/pods/%${noise(random, 2).replaceAll(/[^g-z]/gi, 'z')}z`,
    () => `/api/v1/namespaces//pods/none`,
    () => `/api/v1/namespaces/default/pods/none/${'x/'.repeat(random.below(200))}`,
    () => `/apis/apps/v9/deployments`,
    () => `/${escaped(random, 300)}`,
    () => `/api/v1/namespaces/default/configmaps/${'n'.repeat(1 + random.below(5_000))}`,
    () => `/api/v1/namespaces/${escaped(random, 20)}-/configmaps/none`,
    () => `/api/v1/watch/namespaces/default/none`,
  ])(),
})

const queries: Family = random => ({
  what: 'query',
  path: `${maps}?${pick(random, [
    () =>
      `labelSelector=${encodeURIComponent(pick(random, ['a b', '!', '=,', 'a in b', 'a in (', 'a==b==c', '-a', 'a=-', 'a>x', '(', 'a notin ()x']))}`,
    () =>
      `fieldSelector=${encodeURIComponent(pick(random, ['spec.x=1', 'metadata.name', 'a=b=c', '=', 'x!', 'status.phase=a']))}`,
    () => `resourceVersion=${pick(random, ['-1', 'x', '1.5', '0x1', '99999999999999999999', encodeURIComponent('1 2')])}`,
    () => `limit=${pick(random, ['x', '1.5', '-', '1e'])}`,
    () => `continue=${escaped(random, 40)}x`,
    () => `resourceVersionMatch=${pick(random, ['Exact', 'NotOlderThan', 'x'])}`,
    () => `resourceVersion=0&resourceVersionMatch=${pick(random, ['Exact', 'exact', 'None'])}`,
    () => `watch=1&sendInitialEvents=true`,
    () => `watch=1&resourceVersionMatch=Exact`,
    () => `timeoutSeconds=${pick(random, ['x', '1.5', '-'])}`,
    () => `sendInitialEvents=true`,
    () => `sendInitialEvents=${noise(random, 3).replaceAll(/[^A-Z]/g, 'Q')}`,
  ])()}`,
})

const writeQueries: Family = random => ({
  what: 'query of a write',
  method: 'POST',
  headers: json,
  body: '{"metadata":{"name":"never"}}',
  path: `${maps}?${pick(random, ['dryRun=x', 'dryRun=all', 'fieldValidation=x', 'fieldValidation=strict', `fieldManager=${'m'.repeat(129)}`, `fieldManager=%01`, 'dryRun=All&dryRun=x'])}`,
})

const negotiation: Family = random =>
  pick<() => Parts>(random, [
    () => ({
      what: 'Accept',
      headers: {
        accept: pick(random, [
          'text/html',
          'application/cbor',
          'image/*',
          'application/json;as=Table;v=v7;g=meta.k8s.io',
          'application/xml;q=1',
          ';',
        ]),
      },
    }),
    () => ({
      what: 'Content-Type',
      method: 'POST',
      headers: {
        'content-type': pick(random, [
          'text/plain',
          'application/cbor',
          'x',
          '/',
          `a/${noise(random, 5).replaceAll(/[^a-z]/g, 'q')}`,
        ]),
      },
      body: '{"metadata":{"name":"never"}}',
    }),
    () => ({
      what: 'patch type',
      method: 'PATCH',
      path: `${maps}/${target}`,
      headers: { 'content-type': pick(random, ['application/json', 'text/plain', 'application/patch']) },
      body: '{}',
    }),
    () => ({ what: 'token', isAnonymous: true, headers: { authorization: `Bearer ${escaped(random, 60)}` } }),
    () => ({
      what: 'token of three parts',
      isAnonymous: true,
      headers: { authorization: `Bearer ${[1, 2, 3].map(() => bytes(random, 60).toString('base64url')).join('.')}` },
    }),
    () => ({
      what: 'impersonation without a user',
      headers: { [pick(random, ['impersonate-group', 'impersonate-uid', 'impersonate-extra-x'])]: 'x' },
    }),
  ])()

/** Bodies that are not what they should be, for a POST. */
const bodies: Family = random => {
  const valid = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { labels: { a: 'b' } }, data: { a: 'b' } })
  const body = pick<() => string | Buffer>(random, [
    () => valid.slice(0, random.below(valid.length)),
    () => bytes(random, 400),
    () => '['.repeat(random.below(100_000)),
    () => '{"a":'.repeat(random.below(20_000)),
    () => JSON.stringify(pick(random, [null, 1, 'x', [], [valid], true])),
    () => JSON.stringify({ metadata: wrong(random) }),
    () => JSON.stringify({ metadata: { labels: wrong(random) } }),
    () => JSON.stringify({ data: wrong(random) }),
    () => JSON.stringify({ data: { a: pick(random, [1, {}, [], true]) } }),
    () => JSON.stringify({ kind: noise(random, 10), apiVersion: noise(random, 10) }),
    () => JSON.stringify({ metadata: { [noise(random, 8)]: noise(random, 8) } }),
    () => JSON.stringify({ metadata: { name: `${noise(random, 10)} ` } }),
    () => JSON.stringify({ metadata: { generateName: 'G G' } }),
    () => JSON.stringify({ metadata: { name: 'x', namespace: 'elsewhere' } }),
    () => `{"metadata":{},"metadata":{}}`,
    () => `{"data":{"a":"${noise(random, 20).replaceAll(/["\\]/g, '')}`,
    () => `${valid}${noise(random, 10)}x`,
    () => '\ufeff{"a"',
    () => '{"__proto__":{"name":"x"},"constructor":{"prototype":{}}}',
  ])()
  return {
    what: 'JSON body',
    method: 'POST',
    headers: json,
    body,
    path: pick(random, [maps, '/api/v1/namespaces/default/secrets', `${maps}?fieldValidation=Strict`]),
  }
}

const wrong = (random: Random) => pick(random, [1, 'x', [], [1], true, -1.5, [[]], 1e400])

/** Fields of bigger objects, each with a value that cannot be. */
const typed: Family = random => {
  const container = (more: object) => ({ spec: { containers: [{ name: 'a', image: 'b', ...more }] } })
  const value = wrong(random)
  const [path, body] = pick<[string, object]>(random, [
    ['pods', { spec: value }],
    ['pods', { spec: { containers: value === true ? 1 : value } }],
    ['pods', container({ ports: [{ containerPort: pick(random, ['x', -1, 70_000, {}, 1.5]) }] })],
    ['pods', container({ resources: { limits: { cpu: pick(random, ['x', '1z', {}, [], '-1', '--1', '1e1e1']) } } })],
    ['pods', container({ env: [{ name: pick(random, ['', '=', 1, {}]) }] })],
    ['pods', container({ livenessProbe: { httpGet: { port: pick(random, ['', {}, [], '-', 0]) } } })],
    ['pods', container({ volumeMounts: value })],
    ['services', { spec: { ports: [{ port: pick(random, ['x', 0, 70_000, null, {}]) }] } }],
    ['services', { spec: { type: noise(random, 6), ports: [{ port: 1 }] } }],
    ['events', { involvedObject: value }],
    ['persistentvolumeclaims', { spec: { accessModes: value, resources: value } }],
  ])
  return {
    what: `wrong ${path}`,
    method: 'POST',
    path: `/api/v1/namespaces/default/${path}`,
    headers: json,
    body: JSON.stringify(body),
  }
}

const yaml: Family = random => ({
  what: 'YAML body',
  method: 'POST',
  headers: { 'content-type': 'application/yaml' },
  body: pick<() => string | Buffer>(random, [
    () => 'a: b: c: d',
    () => `a: [${'['.repeat(random.below(5_000))}`,
    () => '\tmetadata: {}',
    () => `metadata: &a {labels: *${noise(random, 3).replaceAll(/[^a-z]/g, 'z')}}`,
    () =>
      `a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n${'defghijklmnopqrstuvwxyz'
        .split('')
        .map((letter, at, all) => `${letter}: &${letter} [*${all[at - 1] ?? 'c'},*${all[at - 1] ?? 'c'}]`)
        .join('\n')}`,
    () => 'metadata:\n name: x\n  labels: y',
    () => 'metadata: "unterminated',
    () => bytes(random, 200),
    () => '? {a: b}\n: c',
    () => '- 1\n- 2',
    () => '!!js/function x',
    () => '--- \n--- \nkind: Pod\n',
    () => 'metadata: {name: [x]}',
    () => 'apiVersion: v1\nkind: ConfigMap\ndata: {a: 1}\n',
  ])(),
})

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
const field = (number: number, content: Buffer) =>
  Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(content.length)]), content])
const text = (number: number, value: string) => field(number, Buffer.from(value))
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00])
const frame = (apiVersion: string, kind: string, raw: Buffer) =>
  Buffer.concat([magic, field(1, Buffer.concat([text(1, apiVersion), text(2, kind)])), field(2, raw)])

const protobuf: Family = random => {
  // Metadata without a name, with a label, and a data entry.
  const raw = Buffer.concat([
    field(1, field(11, Buffer.concat([text(1, 'a'), text(2, 'b')]))),
    field(2, Buffer.concat([text(1, 'k'), text(2, 'v')])),
  ])
  const valid = frame('v1', 'ConfigMap', raw)
  const flipped = Buffer.from(raw)
  if (flipped.length > 0) flipped[random.below(flipped.length)] = random.below(256)
  const body = pick<() => Buffer>(random, [
    () => valid.subarray(0, random.below(valid.length)),
    () => Buffer.concat([magic, bytes(random, 300)]),
    () => bytes(random, 300),
    () => frame('v1', 'ConfigMap', bytes(random, 200)),
    () => frame('v1', noise(random, 8), raw),
    () => frame(noise(random, 8), 'ConfigMap', raw),
    () => frame('v1', 'ConfigMap', flipped),
    () => frame('v1', 'ConfigMap', Buffer.concat([Buffer.from([0x0a]), Buffer.from(varint(2 ** 28)), raw])),
    () => frame('v1', 'ConfigMap', Buffer.alloc(random.below(50_000), 0x0b)),
    () => frame('v1', 'ConfigMap', nested(random.below(20_000))),
    () => frame('v1', 'ConfigMap', Buffer.alloc(20, 0xff)),
    () => frame('apps/v1', 'Deployment', raw),
  ])()
  return { what: 'protobuf body', method: 'POST', headers: { 'content-type': 'application/vnd.kubernetes.protobuf' }, body }
}

/** Messages in messages; each length grows with what it holds, so this is bounded. */
function nested(depth: number): Buffer {
  let content = Buffer.alloc(0)
  for (let at = 0; at < Math.min(depth, 500); at++) content = field(1, content)
  return content
}

const patches: Family = random => {
  const [type, body] = pick<[string, string]>(random, [
    ['json-patch', JSON.stringify([{ op: noise(random, 5), path: '/data' }])],
    ['json-patch', JSON.stringify([{ op: 'test', path: '/data/a', value: noise(random, 5) }])],
    ['json-patch', JSON.stringify([{ op: 'remove', path: `/data/${noise(random, 5)}x` }])],
    ['json-patch', JSON.stringify([{ op: 'move', from: '/none', path: '/data/x' }])],
    ['json-patch', JSON.stringify([{ op: 'replace', path: '/metadata/name', value: 'other' }])],
    ['json-patch', JSON.stringify([{ op: 'add', path: '/data', value: wrong(random) }])],
    ['json-patch', JSON.stringify(pick(random, [{}, 1, 'x', [1], [null], [[]]]))],
    ['json-patch', `[${Array.from({ length: 10_001 }, () => '{"op":"test","path":"/kind","value":"ConfigMap"}').join(',')}]`],
    ['merge-patch', JSON.stringify(pick(random, [1, 'x', [], true]))],
    ['merge-patch', JSON.stringify({ data: { a: pick(random, [1, {}, []]) } })],
    ['merge-patch', JSON.stringify({ metadata: { resourceVersion: String(1 + random.below(2)) } })],
    ['merge-patch', JSON.stringify({ kind: 'Other' })],
    ['merge-patch', '{"data":'],
    ['strategic-merge-patch', JSON.stringify({ data: { $patch: noise(random, 5) } })],
    ['strategic-merge-patch', JSON.stringify({ metadata: { finalizers: [{ $patch: 'x' }] } })],
    ['strategic-merge-patch', JSON.stringify({ metadata: { ownerReferences: [{ name: 'no merge key' }] } })],
    ['strategic-merge-patch', JSON.stringify({ data: wrong(random) })],
    ['strategic-merge-patch', JSON.stringify({ metadata: { labels: { '-': 'x' } } })],
    ['apply-patch+yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: target}\n'],
  ])
  const contentType = `application/${type.includes('+') ? type : `${type}+json`}`
  return { what: `${type} body`, method: 'PATCH', path: `${maps}/${target}`, headers: { 'content-type': contentType }, body }
}

const applies: Family = random => ({
  what: 'apply',
  method: 'PATCH',
  path: `${maps}/${target}?${pick(random, ['fieldManager=m', 'fieldManager=m&force=true', 'fieldManager=m&force=x'])}`,
  headers: { 'content-type': 'application/apply-patch+yaml' },
  body: pick(random, [
    '{}',
    'x',
    '[1]',
    'apiVersion: v2\nkind: ConfigMap\nmetadata: {name: target}',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: target, managedFields: [{manager: x}]}',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: target, uid: other}',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: target}\ndata: [1]',
  ]),
})

const deletes: Family = random => ({
  what: 'DELETE',
  method: 'DELETE',
  path: `${maps}/${target}${pick(random, ['', '?gracePeriodSeconds=x', '?propagationPolicy=x', '?dryRun=x'])}`,
  headers: json,
  body: pick(random, [
    '{"propagationPolicy":"x"}',
    '{"gracePeriodSeconds":"x"}',
    '{"preconditions":{"uid":"other"}}',
    '{"preconditions":{"resourceVersion":"1"}}',
    '{"dryRun":["x"]}',
    '{"orphanDependents":true,"propagationPolicy":"Background"}',
    '[',
    '1',
  ]),
})

const upgrades: Family = random => {
  const protocol = pick(random, ['websocket', 'SPDY/3.1', 'h2c', noise(random, 5).replaceAll(/[^a-z]/g, 'x')])
  const headers = {
    connection: 'Upgrade',
    upgrade: protocol,
    ...pick<Record<string, string>>(random, [
      {},
      { 'sec-websocket-key': 'short', 'sec-websocket-version': '13' },
      { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '99' },
      { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13', 'sec-websocket-protocol': 'x, y' },
      { 'x-stream-protocol-version': noise(random, 8).replaceAll(/[^\x20-\x7e]/g, 'x') },
    ]),
  }
  const path = `/api/v1/namespaces/default/pods/none/${pick(random, ['exec?command=x&stdout=true', 'attach', 'portforward', 'log', 'exec', 'proxy/', 'nothing'])}`
  const [method, ...rest] = pick(random, [['GET'], ['POST']])
  void rest
  return {
    what: `upgrade to ${protocol}`,
    bytes: bytesOf({ what: '', method: method ?? 'GET', path, headers }),
    breaksConnection: true,
  }
}

/** What is no HTTP at all, or breaks off. */
const framing: Family = random => ({
  what: 'framing',
  breaksConnection: true,
  bytes: pick<() => Buffer>(random, [
    () => Buffer.concat([Buffer.from('\u0001'), bytes(random, 200), Buffer.from('\r\n\r\n')]),
    () => Buffer.from(`GET ${maps}\r\n\r\n`),
    () => Buffer.from(`GET ${maps} HTTP/9.9\r\n\r\n`),
    () => Buffer.from(`POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n`),
    () => Buffer.from(`POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx`),
    () => Buffer.from(`POST ${maps} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`),
    () => Buffer.from(`POST ${maps} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n`),
    () => Buffer.from(`GET ${maps} HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n`),
    () => Buffer.from(`GET ${maps} HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`),
    () => Buffer.from(`${noise(random, 5).replaceAll(/[^A-Z]/g, 'Q')} ${maps} HTTP/1.1\r\nhost: x\r\n\r\n`),
    () => Buffer.from(`POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n{`),
  ])(),
})

const methods: Family = random => ({
  what: 'method',
  method: pick(random, ['TRACE', 'PUT', 'PATCH', 'LOCK', 'PROPFIND']),
  path: pick(random, [maps, '/api/v1/namespaces/default/pods', '/api/v1', '/version']),
  headers: { 'content-type': 'application/merge-patch+json' },
  body: '{}',
})

const families: readonly Family[] = [
  paths,
  queries,
  writeQueries,
  negotiation,
  bodies,
  bodies,
  typed,
  yaml,
  protobuf,
  protobuf,
  patches,
  patches,
  applies,
  deletes,
  upgrades,
  framing,
  methods,
]
