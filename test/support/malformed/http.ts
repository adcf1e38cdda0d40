import { gzipSync } from 'node:zlib'
import {
  bytes,
  bytesOf,
  chance,
  damaged,
  escaped,
  type Family,
  json,
  maps,
  noise,
  type Parts,
  pick,
  printable,
  some,
  target,
} from './request.ts'

export const paths: Family = random => ({
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

export const queries: Family = random => ({
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

export const writeQueries: Family = random => ({
  what: 'query of a write',
  method: 'POST',
  headers: json,
  body: '{"metadata":{"name":"never"}}',
  path: `${maps}?${pick(random, ['dryRun=x', 'dryRun=all', 'fieldValidation=x', 'fieldValidation=strict', `fieldManager=${'m'.repeat(129)}`, `fieldManager=%01`, 'dryRun=All&dryRun=x'])}`,
})

export const negotiation: Family = random =>
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
      headers: { [pick(random, ['impersonate-group', 'impersonate-uid', 'impersonate-extra-x'])]: printable(random, 9) },
    }),
    () => ({
      what: 'impersonation of nobody we know',
      headers: {
        'impersonate-user': pick(random, [
          printable(random, 30),
          'system:serviceaccount:a',
          'system:node:',
          'system:anonymous',
          'é',
        ]),
        ...(chance(random, 2) && { 'impersonate-group': printable(random, 12) }),
        ...(chance(random, 2) && {
          [`impersonate-extra-${printable(random, 6).replaceAll(/[^\w%]/g, '%')}`]: printable(random, 9),
        }),
        ...(chance(random, 4) && { 'impersonate-uid': printable(random, 9) }),
      },
    }),
    () => ({
      what: 'forwarded identity',
      isAnonymous: true,
      headers: { 'x-remote-user': 'kubernetes-admin', 'x-remote-group': 'system:masters', authorization: printable(random, 20) },
    }),
    () => ({
      what: 'Content-Encoding',
      method: 'POST',
      headers: { ...json, 'content-encoding': pick(random, ['gzip', 'deflate', 'br', printable(random, 5)]) },
      body: pick(random, [gzipSync('{"metadata":{"name":"never"}}'), damaged(random, gzipSync('{}')), bytes(random, 100)]),
    }),
  ])()

const chunked = (size: string) =>
  Buffer.from(
    `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${size}\r\n\r\n`,
  )

const end = Buffer.from('\r\n\r\nx\r\n\r\n')

/** What is no HTTP at all, or breaks off. */
export const framing: Family = random => ({
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
    () => Buffer.from(`GET ${maps} HTTP/1.1\r\n\r\n`),
    () => Buffer.from(`CONNECT ${maps} HTTP/1.1\r\nhost: x\r\n\r\n`),
    () => Buffer.from(`GET ${maps} HTTP/1.1\r\nhost: x\r\nexpect: ${printable(random, 8)}\r\n\r\n`),
    () => Buffer.from(`GET ${maps} HTTP/2.0\r\nhost: x\r\n\r\n`),
    () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    () =>
      Buffer.from(
        `POST ${maps} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: ${pick(random, ['gzip', 'chunked, gzip', 'x'])}\r\n\r\n{}`,
      ),
    () =>
      chunked(
        pick(random, [
          'ffffffffffffffffff',
          '-1',
          '0x3',
          '5;',
          '1\r\nab',
          '3\r\nabc\n',
          '\u0000',
          noise(random, 6).replaceAll(/[0-9a-f]/gi, 'g'),
        ]),
      ),
    () => Buffer.from(`GET ${maps} HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n`),
    () => Buffer.from(`GET ${maps} HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`),
    () => Buffer.from(`${noise(random, 5).replaceAll(/[^A-Z]/g, 'Q')} ${maps} HTTP/1.1\r\nhost: x\r\n\r\n`),
    () => Buffer.from(`POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n{`),
    // With an end in any case: for the rest of a beginning a server has to wait.
    () =>
      Buffer.concat([
        damaged(random, bytesOf({ method: pick(random, ['BREW', 'G', 'get']), path: `/${noise(random, 30)}` })),
        end,
      ]),
  ])(),
})

export const methods: Family = random => ({
  what: 'method',
  method: pick(random, ['TRACE', 'PUT', 'PATCH', 'LOCK', 'PROPFIND', 'OPTIONS', 'M-SEARCH', 'QUERY']),
  path: pick(random, [maps, '/api/v1/namespaces/default/pods', '/api/v1', '/version']),
  headers: { 'content-type': 'application/merge-patch+json' },
  body: '{}',
})

/** Parameters of lists and watches: at least one is wrong, with others that are not. */
export const listQueries: Family = random => {
  const parameter = () =>
    pick(random, [
      'limit=1',
      'watch=true',
      'allowWatchBookmarks=true',
      'resourceVersion=0',
      'resourceVersion=1',
      'timeoutSeconds=1',
      'pretty=true',
      'labelSelector=a',
      'fieldSelector=metadata.name%3Da',
      'sendInitialEvents=false',
      'resourceVersionMatch=NotOlderThan',
    ])
  // Of what is said twice the first counts.
  const sure = pick(random, [
    `labelSelector=${encodeURIComponent(pick(random, ['a b', '!', '=,', 'a in (', 'x notin', 'a=b=c', ',', '()', 'é=a']))}`,
    `fieldSelector=${encodeURIComponent(pick(random, ['spec.x=1', 'a', '!=', 'metadata.labels.x=1']))}`,
    `limit=${pick(random, ['x', '0x10', '1e3', '٣', '%00'])}`,
    `timeoutSeconds=${pick(random, ['x', '1s', '--1'])}`,
  ])
  const resource = pick(random, ['configmaps', 'pods', 'secrets', 'events', 'services'])
  return {
    what: 'list and watch parameters',
    path: `/api/v1/${pick(random, ['', 'watch/', 'namespaces/default/'])}${resource}?${[sure, ...some(random, 4, parameter)].join('&')}`,
  }
}

/** Several requests in one go, the last of which breaks the connection. */
export const pipelines: Family = random => {
  const good = () =>
    bytesOf({ path: `${maps}/${escaped(random, 9)}-none-`, method: pick(random, ['GET', 'DELETE', 'PUT']), headers: json })
  const first = Array.from({ length: 1 + random.below(12) }, good)
  return {
    what: 'pipeline',
    pipelined: first.length + 1,
    breaksConnection: true,
    bytes: Buffer.concat([...first, bytes(random, 40), Buffer.from(' HTTP/7.7\r\n\r\n')]),
  }
}

/** The client is gone before it has said all. */
export const brokenOff: Family = random => {
  const whole = bytesOf({
    method: pick(random, ['POST', 'PUT', 'PATCH', 'DELETE', 'GET']),
    path: pick(random, [
      maps,
      `${maps}/${target}`,
      `${maps}?watch=1`,
      '/api/v1/pods?watch=1&allowWatchBookmarks=true',
      '/openapi/v2',
    ]),
    headers: { 'content-type': pick(random, ['application/json', 'application/yaml', 'application/merge-patch+json']) },
    body: `{"metadata":{"labels":{"a":"${'x'.repeat(random.below(100_000))}"}}}`,
  })
  return { what: 'broken off', vanishes: true, breaksConnection: true, bytes: whole.subarray(0, random.below(whole.length)) }
}

/** A watch, an upgrade or a log that begins well and that the client leaves at once. */
export const deserted: Family = random => ({
  what: 'deserted stream',
  vanishes: true,
  breaksConnection: true,
  bytes: bytesOf({
    path: pick(random, [
      `${maps}?watch=1`,
      '/api/v1/pods?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
      `/api/v1/namespaces/default/pods/${target}/log?follow=true`,
      '/api/v1/watch/events',
      '/apis/apps/v1/deployments?watch=1&resourceVersion=1',
      '/apis/fuzz.test/v1/boats?watch=1',
    ]),
    headers: {
      ...(chance(random, 2) && { 'accept-encoding': 'gzip' }),
      ...(chance(random, 3) && { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }),
    },
  }),
})

/** No TLS, or what looks like it. */
export const noTls: Family = random => ({
  what: 'no TLS',
  isPlain: true,
  breaksConnection: true,
  bytes: pick(random, [
    bytesOf({ path: maps }),
    bytes(random, 300),
    Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), bytes(random, 600)]),
    Buffer.from([0x16, 3, 1]),
    Buffer.alloc(0),
  ]),
  vanishes: true,
})
