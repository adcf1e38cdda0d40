import { describe, expect, test } from 'vitest'
import { Node } from '../../../api/core/node.ts'
import { value as amount } from '../../../api/quantity.ts'
import { conformancePods } from '../../support/conformance.ts'

/** test/e2e/common/node/downwardapi.go: what a pod is and has, as variables. */
const pods = conformancePods('downward-api')

const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
const figure = (name: string, resource: string) => ({ name, valueFrom: { resourceFieldRef: { resource } } })
const resources = { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '1250m', memory: '64Mi' } }

/** The environment of a container that has these variables. */
async function environment(name: string, env: object[], more: object = { resources }): Promise<Record<string, string>> {
  const text = await pods().output(name, { container: { command: ['sh', '-c', 'env'], env, ...more } })
  const pairs = text.split('\n').map(line => line.split('='))
  return Object.fromEntries(pairs.map(([key = '', ...rest]) => [key, rest.join('=')]))
}

describe.concurrent('Downward API', () => {
  test('should provide pod name, namespace and IP address as env vars', async () => {
    const env = [
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('POD_IP', 'status.podIP'),
    ]
    const found = await environment('names', env)
    expect(found).toMatchObject({ POD_NAME: 'names', POD_NAMESPACE: pods().namespace })
    expect(found.POD_IP).toBe((await pods().get('names')).status.podIP)
    expect(found.POD_IP).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
  })

  test('should provide host IP as an env var', async () => {
    const { HOST_IP } = await environment('host-ip', [field('HOST_IP', 'status.hostIP')])
    expect(HOST_IP).toBe((await pods().get('host-ip')).status.hostIP)
    expect(HOST_IP).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
  })

  test('should provide hostIPs as an env var', async () => {
    const { HOST_IPS } = await environment('host-ips', [field('HOST_IPS', 'status.hostIPs')])
    const { hostIPs = [] } = (await pods().get('host-ips')).status
    expect(HOST_IPS).toBe(hostIPs.map(({ ip }) => ip).join(','))
    expect(HOST_IPS).toMatch(/^\d+\.\d+\.\d+\.\d+/)
  })

  test("should provide container's limits.cpu/memory and requests.cpu/memory as env vars", async () => {
    const env = [
      figure('CPU_LIMIT', 'limits.cpu'),
      figure('MEMORY_LIMIT', 'limits.memory'),
      figure('CPU_REQUEST', 'requests.cpu'),
      figure('MEMORY_REQUEST', 'requests.memory'),
    ]
    const expected = { CPU_LIMIT: '2', MEMORY_LIMIT: '67108864', CPU_REQUEST: '1', MEMORY_REQUEST: '33554432' }
    expect(await environment('figures', env)).toMatchObject(expected)
  })

  test('should provide default limits.cpu/memory from node allocatable', async () => {
    const env = [figure('CPU_LIMIT', 'limits.cpu'), figure('MEMORY_LIMIT', 'limits.memory')]
    const found = await environment('allocatable', env, {})
    const { allocatable = {} } = (await pods().cluster.client.get(Node, { name: 'node-1' })).status
    expect(found.CPU_LIMIT).toBe(String(Math.ceil(amount(allocatable.cpu ?? '0'))))
    expect(found.MEMORY_LIMIT).toBe(String(amount(allocatable.memory ?? '0')))
    expect(Number(found.CPU_LIMIT)).toBeGreaterThan(0)
  })

  test('should provide pod UID as env vars', async () => {
    const { POD_UID } = await environment('uid', [field('POD_UID', 'metadata.uid')])
    expect(POD_UID).toBe((await pods().get('uid')).metadata.uid)
    expect(POD_UID).toMatch(/^[a-z0-9]{8}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{12}$/)
  })
})
