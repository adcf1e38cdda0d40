import { X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import { Node } from '../../api/core/node.ts'
import { isReason } from '../../api/errors.ts'
import { httpTransport } from '../../client/http-transport.ts'
import { createClient } from '../../client/typed-client.ts'
import { eventually } from '../support/eventually.ts'
import { whyNoHosts } from './commands.ts'
import { type Host, type Hosts, hosts } from './hosts.ts'

const why = await whyNoHosts()
if (why) test(`no hosts can be made here, so none has joined a cluster: ${why}`, () => expect(why).toBeTypeOf('string'))
describe.runIf(!why)('a machine joins a cluster', () => {
  let world: Hosts
  let one: Host
  beforeAll(async () => {
    // Certificates live for two minutes and a half, so that they are seen to be replaced.
    world = await hosts({ flags: ['--cluster-signing-duration', '150s'] })
    one = await world.host('one')
  })
  afterAll(() => world?.[Symbol.asyncDispose]())

  const certificateOf = async (name: string) =>
    new X509Certificate(await readFile(join(one.dataDir, 'pki', `${name}.pem`), 'utf8'))
  const refused = async (...flags: string[]) => {
    const { code, output } = await one.failingAgent('--server', world.server, ...flags)
    expect(code).toBe(1)
    return output
      .split('\n')
      .filter(line => line.startsWith('error:'))
      .join()
  }

  test('not with a token that is wrong, over, or unknown', async () => {
    const token = await world.token()
    const [id = ''] = token.split('.')
    expect(await refused('--token', `${id}.aaaaaaaaaaaaaaaa`)).toContain('is not the one that this cluster has')
    const hash = /--ca-cert-hash (\S+)/.exec(world.output)?.[1] ?? ''
    expect(await refused('--token', 'zzzzzz.aaaaaaaaaaaaaaaa', '--ca-cert-hash', hash)).toContain('it is wrong or has expired')
    const other = `sha256:${'0'.repeat(64)}`
    expect(await refused('--token', token, '--ca-cert-hash', other)).toContain(
      'another certificate authority than the one that is pinned',
    )
    expect(await refused('--token', 'nonsense')).toContain('the token is none')
    expect(await refused()).toContain('--token is needed')
    expect((await world.client.list(Node)).items).toEqual([])
  })

  test('with a token and the hash of the authority; its containers are reached through the API server', async () => {
    const hash = /--ca-cert-hash (\S+)/.exec(world.output)?.[1] ?? ''
    await one.agent('--server', world.server, '--token', await world.token(), '--ca-cert-hash', hash)
    await world.createPod('a', 'one')
    await world.ready('a')
    expect(await world.exec('a', 'hostname')).toEqual({ code: 0, output: 'a\n' })
    const { status } = await world.node('one')
    expect(status.addresses).toEqual([
      { type: 'InternalIP', address: one.address },
      { type: 'Hostname', address: 'one' },
    ])
    const requests = (await world.client.list(CertificateSigningRequest)).items
    const told = requests.map(({ spec, status: { conditions } }) => [
      spec.signerName,
      conditions?.[0]?.type,
      conditions?.[0]?.reason,
    ])
    expect(told).toContainEqual(['kubernetes.io/kube-apiserver-client-kubelet', 'Approved', 'AutoApproved'])
    expect(told).toContainEqual(['kubernetes.io/kubelet-serving', 'Approved', 'AutoApproved'])
    for (const file of ['kubelet-client-current.pem', 'kubelet-server-current.pem'])
      expect((await stat(join(one.dataDir, 'pki', file))).mode & 0o777).toBe(0o600)
  })

  test('its certificate lets it do what a node may, and nothing else', async () => {
    const pem = await readFile(join(one.dataDir, 'pki', 'kubelet-client-current.pem'), 'utf8')
    const ca = await readFile(join(one.dataDir, 'pki', 'ca.crt'), 'utf8')
    const transport = httpTransport({
      server: world.server,
      ca,
      cert: pem,
      key: pem.slice(pem.indexOf('-----BEGIN PRIVATE KEY')),
    })
    const asNode = createClient(transport)
    try {
      expect((await asNode.get(Node, { name: 'one' })).metadata.name).toBe('one')
      const labels = { metadata: { labels: { 'node-restriction.kubernetes.io/mine': 'x' } } }
      const refusal = await asNode.patch(Node, { name: 'one' }, 'merge', labels).catch((error: unknown) => error)
      expect(isReason(refusal, 'Forbidden')).toBe(true)
      const other = await asNode.create(Node, { metadata: { name: 'two' } }).catch((error: unknown) => error)
      expect(isReason(other, 'Forbidden')).toBe(true)
    } finally {
      transport.close()
    }
  })

  test('both certificates are replaced before they end, and nothing stops for that', async () => {
    const names = ['kubelet-client-current', 'kubelet-server-current']
    const before = await Promise.all(names.map(certificateOf))
    await eventually(
      async () => {
        const now = await Promise.all(names.map(certificateOf))
        for (const [i, certificate] of now.entries()) expect(certificate.serialNumber).not.toBe(before[i]?.serialNumber)
      },
      { timeoutInMs: 170_000, everyMs: 500 },
    )
    expect((await world.exec('a', 'hostname')).output).toBe('a\n')
    expect((await world.pod('a')).status.containerStatuses?.[0]?.restartCount).toBe(0)
  })

  test('an agent that is started again adopts what runs, and needs no token', async () => {
    const uid = (await world.pod('a')).metadata.uid
    const running = async () => {
      const all = await one.engine.containers()
      return all.filter(({ Labels }) => Labels['io.kubernetes.pod.uid'] === uid).map(({ Id }) => Id)
    }
    const before = (await running()).sort()
    expect(before).toHaveLength(2)
    await one.stopAgent('SIGKILL')
    await one.agent()
    await world.ready('a')
    expect((await running()).sort()).toEqual(before)
    expect((await world.exec('a', 'hostname')).output).toBe('a\n')
  })

  test('nobody else takes the name of a node that is Ready', async () => {
    const two = await world.host('two')
    const { code, output } = await two.failingAgent(
      '--node-name',
      'one',
      '--server',
      world.server,
      '--token',
      await world.token(),
    )
    expect(code).toBe(1)
    expect(output).toContain('a node named "one" is Ready in this cluster already')
  })
})
