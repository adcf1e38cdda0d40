import { chance, escaped, type Family, json, maps, noise, pick, printable, some, target, wrong } from './request.ts'

const core = '/api/v1/namespaces/default'
const pod = `${core}/pods/${target}`
const deployment = `/apis/apps/v1/namespaces/default/deployments/${target}`

/** Subresources with bodies that are wrong. What they could mean by accident is only rehearsed. */
export const subresources: Family = random => {
  const value = wrong(random)
  const [path, body, method = 'POST'] = pick<() => [string, unknown, string?]>(random, [
    () => [`${pod}/binding`, { target: value }],
    () => [`${pod}/binding`, { metadata: { name: 'other' }, target: { kind: 'Node', name: noise(random, 6) } }],
    () => [`${pod}/binding`, { metadata: { name: target }, target: { kind: noise(random, 4), name: '' } }],
    () => [`${core}/bindings`, { metadata: { name: 'none' }, target: { name: noise(random, 5) } }],
    () => [`${pod}/eviction`, { metadata: { name: 'other' } }],
    () => [`${pod}/eviction`, { metadata: { name: target }, deleteOptions: { preconditions: { uid: 'other' } } }],
    () => [`${pod}/eviction`, { metadata: value }],
    () => [`${pod}/eviction`, { metadata: { name: target }, deleteOptions: value }],
    () => [
      `${pod}/ephemeralcontainers`,
      { metadata: { name: target }, spec: { ephemeralContainers: [{ name: noise(random, 5) }] } },
      'PUT',
    ],
    () => [`${pod}/ephemeralcontainers`, { spec: { ephemeralContainers: value } }, 'PATCH'],
    () => [`${pod}/ephemeralcontainers`, { spec: { ephemeralContainers: [{ name: 'A B', image: value }] } }, 'PATCH'],
    () => [
      `${pod}/resize`,
      { spec: { containers: [{ name: 'a', resources: { requests: { cpu: pick(random, ['x', '-1', {}, true]) } } }] } },
      'PATCH',
    ],
    () => [`${pod}/resize`, { spec: { containers: value } }, 'PUT'],
    () => [
      `${deployment}/scale`,
      { spec: { replicas: pick(random, [-1, 'x', 1.5, {}, 1e10, true]) } },
      pick(random, ['PUT', 'PATCH']),
    ],
    () => [`${deployment}/scale`, { spec: { replicas: -1 }, metadata: { name: target } }, 'PUT'],
    () => [`${deployment}/scale`, { metadata: { name: 'other' }, spec: { replicas: 0 } }, 'PUT'],
    () => [`/apis/apps/v1/namespaces/default/deployments/none/scale`, { spec: { replicas: 1 } }, pick(random, ['PUT', 'PATCH'])],
    () => [
      `/apis/fuzz.test/v1/namespaces/default/boats/${target}/scale`,
      { spec: { replicas: pick(random, [-1, 'x', 1e10, {}]) } },
      'PATCH',
    ],
    () => [`${core}/serviceaccounts/${target}/token`, { spec: { expirationSeconds: pick(random, [1, -1, 2 ** 40, 'x', 1.5]) } }],
    () => [`${core}/serviceaccounts/${target}/token`, { spec: { audiences: value } }],
    () => [`${core}/serviceaccounts/${target}/token`, { spec: { boundObjectRef: { kind: noise(random, 6), name: 'x' } } }],
    () => [
      `${core}/serviceaccounts/${target}/token`,
      { spec: { boundObjectRef: { kind: 'Pod', name: 'none', apiVersion: 'v1' } } },
    ],
    () => [`${core}/serviceaccounts/none/token`, { spec: {} }],
    () => [`/api/v1/namespaces/default/finalize`, { metadata: { name: 'default' }, spec: { finalizers: value } }, 'PUT'],
    () => [`/api/v1/namespaces/default/finalize`, { metadata: { name: 'other' } }, 'PUT'],
    () => [`/apis/certificates.k8s.io/v1/certificatesigningrequests/none/approval`, { status: {} }, 'PUT'],
    () => [
      `/apis/certificates.k8s.io/v1/certificatesigningrequests/jane/approval`,
      { metadata: { name: 'jane' }, status: { conditions: [{ type: noise(random, 6), status: noise(random, 4) }] } },
      'PUT',
    ],
    () => [
      `/apis/certificates.k8s.io/v1/certificatesigningrequests/jane/status`,
      { metadata: { name: 'jane' }, status: { certificate: Buffer.from(noise(random, 50)).toString('base64') } },
      'PUT',
    ],
    () => [`${pod}/${noise(random, 5).replaceAll(/[^a-z]/gi, 'q')}`, {}, pick(random, ['PUT', 'PATCH', 'POST', 'DELETE'])],
    () => [`${pod}/status`, { status: value }, 'PUT'],
    () => [`${pod}/status`, { status: { phase: value === 'x' ? 1 : value } }, 'PATCH'],
    () => [`${maps}/${target}/status`, {}, 'PUT'],
    () => [`${maps}/${target}/scale`, {}, 'PATCH'],
  ])()
  const type = method === 'PATCH' ? pick(random, ['merge-patch+json', 'strategic-merge-patch+json']) : 'json'
  return {
    what: 'subresource',
    method,
    path: `${path}?dryRun=All`,
    headers: { 'content-type': `application/${type}` },
    body: chance(random, 10) ? pick(random, ['', '[', 'null', '1']) : JSON.stringify(body),
    // An empty status or list of finalizers is one, too.
    mayPass: /\/(status|finalize|ephemeralcontainers|scale|binding|token|resize)$/.test(path),
  }
}

/** Logs, commands, ports and proxies that there are not. */
export const streams: Family = random => ({
  what: 'stream',
  method: pick(random, ['GET', 'POST', 'PUT']),
  path: pick(random, [
    () =>
      `${pod}/log?${pick(random, ['tailLines', 'limitBytes', 'sinceSeconds'])}=${pick(random, ['x', '-1', '1.5', '0x1', '-99999999999999999999'])}`,
    () => `${pod}/log?sinceTime=${escaped(random, 9)}x`,
    () => `${pod}/log?container=${escaped(random, 9)}-`,
    () => `${pod}/log?stream=${escaped(random, 5)}x`,
    () => `${pod}/log?sinceTime=2020-01-01T00:00:00Z&sinceSeconds=1`,
    () => `${core}/pods/none/log`,
    () =>
      `${pod}/exec?${some(random, 3, () => pick(random, ['command=x', 'stdin=1', 'tty=1', 'container=none', 'command=', 'stdout=true'])).join('&')}`,
    () => `${pod}/attach?container=${escaped(random, 5)}`,
    () => `${pod}/portforward?ports=${escaped(random, 5)}`,
    () =>
      `${core}/pods/${pick(random, ['none', 'https:none:x', ':::', 'none:99999', `${escaped(random, 8)}-`])}/proxy/${escaped(random, 20)}`,
    () =>
      `${core}/services/${pick(random, ['none', 'http:none:x', 'a:b:c:d', `${escaped(random, 8)}-`])}/proxy/${escaped(random, 20)}`,
    () =>
      `/api/v1/nodes/${pick(random, ['none', 'none:1', 'https:none:10250', `${escaped(random, 8)}-`])}/proxy/${escaped(random, 9)}`,
    () => `/api/v1/proxy/nodes/none`,
  ])(),
  headers: pick<Record<string, string>>(random, [
    json,
    { 'x-forwarded-for': printable(random, 30) },
    { 'x-forwarded-uri': printable(random, 9) },
  ]),
})
