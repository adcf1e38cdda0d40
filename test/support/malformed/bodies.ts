import { bytes, type Family, json, maps, noise, pick, target, wrong } from './request.ts'

/** Bodies that are not what they should be, for a POST. */
export const bodies: Family = random => {
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

/** Fields of bigger objects, each with a value that cannot be. */
export const typed: Family = random => {
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

export const yaml: Family = random => ({
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

export const patches: Family = random => {
  const [type, body] = pick<[string, string]>(random, [
    ['json-patch', JSON.stringify([{ op: noise(random, 5), path: '/data' }])],
    ['json-patch', JSON.stringify([{ op: 'test', path: '/data/a', value: `${noise(random, 5)}?` }])],
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
    ['strategic-merge-patch', JSON.stringify({ metadata: { finalizers: ['x', { a: 'x' }] } })],
    ['strategic-merge-patch', JSON.stringify({ metadata: { ownerReferences: [{ name: 'no merge key' }] } })],
    ['strategic-merge-patch', JSON.stringify({ data: wrong(random) })],
    ['strategic-merge-patch', JSON.stringify({ metadata: { labels: { '-': 'x' } } })],
    ['apply-patch+yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: target}\n'],
  ])
  const contentType = `application/${type.includes('+') ? type : `${type}+json`}`
  return { what: `${type} body`, method: 'PATCH', path: `${maps}/${target}`, headers: { 'content-type': contentType }, body }
}

export const applies: Family = random => ({
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

export const deletes: Family = random => ({
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
