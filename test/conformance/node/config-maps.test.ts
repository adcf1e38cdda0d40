import { describe, expect, test } from 'vitest'
import { ConfigMap } from '../../../api/core/config-map.ts'
import { conformancePods } from '../../support/conformance.ts'

/** test/e2e/common/node/configmap.go: ConfigMaps as objects and as environment. */
const pods = conformancePods('configmap')

const data = { 'data-1': 'value-1', 'data-2': 'value-2', 'data-3': 'value-3' }
const configMap = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
  ...more,
})
const own = (name: string) => ({ namespace: pods().namespace, name })

describe.concurrent('ConfigMap', () => {
  test('should be consumable via environment variable', async () => {
    await pods().create(configMap('for-variable'))
    const env = [{ name: 'CONFIG_DATA_1', valueFrom: { configMapKeyRef: { name: 'for-variable', key: 'data-1' } } }]
    const output = await pods().output('variable', { container: { command: ['sh', '-c', 'env'], env } })
    expect(output.split('\n')).toContain('CONFIG_DATA_1=value-1')
  })

  test('should be consumable via the environment', async () => {
    await pods().create(configMap('for-environment'))
    const configMapRef = { name: 'for-environment' }
    const container = { command: ['env'], envFrom: [{ configMapRef }, { prefix: 'p-', configMapRef }] }
    const lines = (await pods().output('environment', { container })).split('\n')
    const expected = ['', 'p-'].flatMap(prefix => [1, 2, 3].map(i => `${prefix}data-${i}=value-${i}`))
    expect(lines).toEqual(expect.arrayContaining(expected))
  })

  test('should be consumable as environment variable names with various prefixes', async () => {
    await pods().create(configMap('for-prefixes'))
    const prefixes = ['', '1-', '$_-', 'ABC_', '#@!']
    const envFrom = prefixes.map(prefix => ({ ...(prefix && { prefix }), configMapRef: { name: 'for-prefixes' } }))
    const lines = (await pods().output('prefixes', { container: { command: ['env'], envFrom } })).split('\n')
    const expected = prefixes.flatMap(prefix => [1, 2, 3].map(i => `${prefix}data-${i}=value-${i}`))
    expect(lines).toEqual(expect.arrayContaining(expected))
  })

  test('should fail to create ConfigMap with empty key', async () => {
    await expect(pods().create(configMap('empty-key', { data: { '': 'value-1' } }))).rejects.toThrow(
      /empty-key.*is invalid: data\[/,
    )
  })

  test('should update ConfigMap successfully', async () => {
    const { client } = pods().cluster
    await pods().create(configMap('updated'))
    const { metadata, ...rest } = await client.get(ConfigMap, own('updated'))
    await client.update(ConfigMap, { ...rest, metadata, data: { data: 'value' } })
    expect((await client.get(ConfigMap, own('updated'))).data).toEqual({ data: 'value' })
  })

  test('should run through a ConfigMap lifecycle', async () => {
    const { client } = pods().cluster
    const labels = { 'test-configmap-static': 'true' }
    await pods().create(configMap('lifecycle', { metadata: { name: 'lifecycle', labels }, data: { valueName: 'value' } }))
    const created = await client.get(ConfigMap, own('lifecycle'))
    expect(created).toMatchObject({ metadata: { labels }, data: { valueName: 'value' } })
    expect(created.metadata.resourceVersion).toMatch(/^[1-9]\d*$/)

    const change = { metadata: { labels: { 'test-configmap': 'patched' } }, data: { valueName: 'value1' } }
    const patched = await client.patch(ConfigMap, own('lifecycle'), 'strategic', change)
    expect(BigInt(patched.metadata.resourceVersion)).toBeGreaterThan(BigInt(created.metadata.resourceVersion))

    const everywhere = await client.list(ConfigMap, { labelSelector: 'test-configmap=patched' })
    expect(everywhere.items).toMatchObject([
      { metadata: { ...own('lifecycle'), labels: { ...labels, 'test-configmap': 'patched' } }, data: { valueName: 'value1' } },
    ])

    const labelSelector = 'test-configmap-static=true'
    await client.deleteCollection(ConfigMap, { namespace: pods().namespace, labelSelector })
    expect((await client.list(ConfigMap, { namespace: pods().namespace, labelSelector })).items).toEqual([])
  })
})
