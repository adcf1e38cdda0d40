import { expect, test } from 'vitest'
import { nodeAttributes } from './attributes.ts'

test.each([
  ['GET', '/pods', 'get', ['pods', 'proxy']],
  ['GET', '/pods/', 'get', ['pods', 'proxy']],
  ['GET', '/runningpods/', 'get', ['pods', 'proxy']],
  ['GET', '/podsandmore', 'get', ['proxy']],
  ['GET', '/healthz', 'get', ['healthz', 'proxy']],
  ['GET', '/healthz/syncloop', 'get', ['healthz', 'proxy']],
  ['GET', '/configz', 'get', ['configz', 'proxy']],
  ['GET', '/stats/summary', 'get', ['stats']],
  ['POST', '/stats/summary', 'create', ['stats']],
  ['GET', '/metrics', 'get', ['metrics']],
  ['GET', '/metrics/cadvisor', 'get', ['metrics']],
  ['GET', '/logs/', 'get', ['log']],
  ['POST', '/checkpoint/n/p/c', 'create', ['checkpoint']],
  ['GET', '/statusz', 'get', ['statusz']],
  ['GET', '/flagz', 'get', ['configz']],
  ['GET', '/containerLogs/n/p/c', 'get', ['proxy']],
  ['POST', '/exec/n/p/c', 'create', ['proxy']],
  ['GET', '/exec/n/p/c', 'get', ['proxy']],
  ['POST', '/run/n/p/c', 'create', ['proxy']],
  ['POST', '/portForward/n/p', 'create', ['proxy']],
  ['PUT', '/debug/flags/v', 'update', ['proxy']],
  ['HEAD', '/pods', '', ['pods', 'proxy']],
])('%s %s takes leave to %s nodes/%j', (method, path, verb, subresources) => {
  expect(nodeAttributes(method, path)).toEqual({ verb, subresources })
})
