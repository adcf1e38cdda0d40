import { describe, expect, test } from 'vitest'
import { Secret } from '../../../api/core/secret.ts'
import { conformancePods } from '../../support/conformance.ts'

/** test/e2e/common/node/secrets.go: Secrets as objects and as environment. */
const pods = conformancePods('secrets')

const base64 = (text: string) => Buffer.from(text).toString('base64')
const secret = (name: string, data: Record<string, string>, labels = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, labels } },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
})
/** Their values end with a new line, which stays. */
const data = { 'data-1': 'value-1\n', 'data-2': 'value-2\n', 'data-3': 'value-3\n' }

describe.concurrent('Secrets', () => {
  test('should be consumable from pods in env vars', async () => {
    await pods().create(secret('for-variable', data))
    const env = [{ name: 'SECRET_DATA', valueFrom: { secretKeyRef: { name: 'for-variable', key: 'data-1' } } }]
    const output = await pods().output('variable', { container: { command: ['sh', '-c', 'env'], env } })
    expect(output).toContain('\nSECRET_DATA=value-1\n\n')
  })

  test('should be consumable via the environment', async () => {
    await pods().create(secret('for-environment', data))
    const secretRef = { name: 'for-environment' }
    const container = { command: ['env'], envFrom: [{ secretRef }, { prefix: 'p-', secretRef }] }
    const lines = (await pods().output('environment', { container })).split('\n')
    const expected = ['', 'p-'].flatMap(prefix => [1, 2, 3].map(i => `${prefix}data-${i}=value-${i}`))
    expect(lines).toEqual(expect.arrayContaining(expected))
  })

  test('should be consumable as environment variable names variable names with various prefixes', async () => {
    await pods().create(secret('for-prefixes', data))
    const prefixes = ['', '1-', '$_-', 'ABC_', '#@!']
    const envFrom = prefixes.map(prefix => ({ ...(prefix && { prefix }), secretRef: { name: 'for-prefixes' } }))
    const lines = (await pods().output('prefixes', { container: { command: ['env'], envFrom } })).split('\n')
    const expected = prefixes.flatMap(prefix => [1, 2, 3].map(i => `${prefix}data-${i}=value-${i}`))
    expect(lines).toEqual(expect.arrayContaining(expected))
  })

  test('should fail to create secret due to empty secret key', async () => {
    await expect(pods().create(secret('empty-key', { '': 'value-1\n' }))).rejects.toThrow(/empty-key.*is invalid: data\[/)
  })

  test('should patch a secret', async () => {
    const { client } = pods().cluster
    const own = { namespace: pods().namespace, name: 'patched' }
    const everywhere = async () => (await client.list(Secret, { labelSelector: 'testsecret-constant=true' })).items
    await pods().create(secret('patched', { key: 'value' }, { 'testsecret-constant': 'true' }))
    const created = await client.get(Secret, own)
    expect(await everywhere()).toMatchObject([{ metadata: own }])

    const change = { metadata: { labels: { testsecret: 'true' } }, data: { key: base64('value1') } }
    await client.patch(Secret, own, 'strategic', change)
    const patched = await client.get(Secret, own)
    expect(BigInt(patched.metadata.resourceVersion)).toBeGreaterThan(BigInt(created.metadata.resourceVersion))
    expect(patched.data).toEqual({ key: base64('value1') })

    await client.deleteCollection(Secret, { namespace: pods().namespace, labelSelector: 'testsecret=true' })
    expect(await everywhere()).toEqual([])
  })
})
