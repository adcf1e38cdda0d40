import { expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import type { Service } from '../../api/core/service.ts'
import { portPairs } from './ports.ts'

const pod = {
  metadata: { name: 'web' },
  spec: {
    containers: [
      { ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }] },
      { ports: [{ name: 'dns', containerPort: 53, protocol: 'UDP' }] },
    ],
  },
} as unknown as Pod
const service = (more = {}) =>
  ({
    metadata: { name: 'front' },
    spec: {
      ports: [
        { name: 'w', port: 80, targetPort: 'http', protocol: 'TCP' },
        { name: 'n', port: 443, targetPort: 8443, protocol: 'TCP' },
        { name: 'd', port: 53, targetPort: 53, protocol: 'UDP' },
        { name: 'x', port: 90, targetPort: 'nope', protocol: 'TCP' },
      ],
      ...more,
    },
  }) as unknown as Service

test.each([
  ['8080', undefined, { local: 8080, remote: 8080 }],
  ['80:8080', undefined, { local: 80, remote: 8080 }],
  [':8080', undefined, { local: 0, remote: 8080 }],
  ['80:http', undefined, { local: 80, remote: 8080 }],
  ['http', undefined, { local: 8080, remote: 8080 }],
  ['80', service(), { local: 80, remote: 8080 }],
  ['w', service(), { local: 80, remote: 8080 }],
  ['9443:n', service(), { local: 9443, remote: 8443 }],
  ['80', service({ clusterIP: 'None' }), { local: 80, remote: 80 }],
])('%s', (text, toService, pair) => {
  expect(portPairs([text], pod, toService)).toEqual([pair])
})

test.each([
  ['80:', undefined, 'remote port cannot be empty'],
  ['a:b:c', undefined, "invalid port format 'a:b:c'"],
  ['x:80', undefined, "error parsing local port in 'x:80'"],
  ['80:nope', undefined, "Pod 'web' does not have a named port 'nope'"],
  ['53', undefined, 'UDP protocol is not supported for 53'],
  ['dns', undefined, 'UDP protocol is not supported for dns'],
  ['70000', undefined, 'error parsing remote port: 70000 is not a port'],
  ['nope', service(), "Service 'front' does not have a named port 'nope'"],
  ['81', service(), 'Service front does not have a service port 81'],
  ['d', service(), 'UDP protocol is not supported for d'],
  ['x', service(), "Pod 'web' does not have a named port 'nope'"],
])('%s is refused', (text, toService, message) => {
  expect(() => portPairs([text], pod, toService)).toThrow(message)
})
