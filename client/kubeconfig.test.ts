import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formatKubeconfig, kubeconfigFor, mergeKubeconfig, parseKubeconfig, selectConnection } from './kubeconfig.ts'

const text = `
apiVersion: v1
kind: Config
current-context: work
clusters:
- {name: one, cluster: {server: 'https://one:6443', certificate-authority-data: ${Buffer.from('CA').toString('base64')}}}
- {name: two, cluster: {server: 'https://two:6443', certificate-authority: ca.pem, tls-server-name: two.example}}
- {name: three, cluster: {server: 'https://three:6443', insecure-skip-tls-verify: true}}
contexts:
- {name: work, context: {cluster: one, user: cert, namespace: team}}
- {name: play, context: {cluster: two, user: token}}
- {name: broken, context: {cluster: nowhere, user: cert}}
- {name: nobody, context: {cluster: one, user: ghost}}
users:
- {name: cert, user: {client-certificate-data: ${Buffer.from('CERT').toString('base64')}, client-key: key.pem}}
- {name: token, user: {token: secret}}
- {name: file, user: {tokenFile: token.txt}}
`

test('what is selected becomes a connection, files beside the kubeconfig included', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  try {
    for (const [name, content] of [
      ['ca.pem', 'FILE CA'],
      ['key.pem', 'FILE KEY'],
      ['token.txt', 'from file\n'],
    ] as const) {
      await writeFile(join(directory, name), content)
    }
    const config = await parseKubeconfig(text)
    expect(await selectConnection(config, directory)).toEqual({
      context: 'work',
      namespace: 'team',
      transport: { server: 'https://one:6443', ca: 'CA', cert: 'CERT', key: 'FILE KEY' },
    })
    expect(await selectConnection(config, directory, { context: 'play' })).toEqual({
      context: 'play',
      namespace: 'default',
      transport: { server: 'https://two:6443', ca: 'FILE CA', token: 'secret', tlsServerName: 'two.example' },
    })
    expect((await selectConnection(config, directory, { cluster: 'three', user: 'file' })).transport).toEqual({
      server: 'https://three:6443',
      token: 'from file',
      insecureSkipTlsVerify: true,
    })
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('one may act as somebody else, by the file or by what is asked', async () => {
  const config = await parseKubeconfig(
    text.replace('{token: secret}', '{token: secret, as: jane, as-groups: [a, b], as-user-extra: {scope: [c]}}'),
  )
  const asJane = { user: 'jane', groups: ['a', 'b'], extra: { scope: ['c'] } }
  const play = { cluster: 'one', user: 'token' }
  expect((await selectConnection(config, '.', play)).transport.impersonate).toEqual(asJane)
  const asked = { ...play, as: 'joe', asUid: '7', asGroups: ['z'] }
  expect((await selectConnection(config, '.', asked)).transport.impersonate).toEqual({
    user: 'joe',
    uid: '7',
    groups: ['z'],
    extra: { scope: ['c'] },
  })
})

test.each([
  [
    { cluster: 'one', user: 'token', asGroups: ['a'] },
    'requesting uid, groups or user-extra for token without impersonating a user',
  ],
  [{ context: 'none' }, 'context "none" does not exist'],
  [{ context: 'broken' }, 'cluster "nowhere" does not exist'],
  [{ context: 'nobody' }, 'auth info "ghost" does not exist'],
  [{ user: 'ghost' }, 'auth info "ghost" does not exist'],
])('%j is refused', async (selection, message) => {
  const config = await parseKubeconfig(text)
  await expect(selectConnection(config, '/', selection)).rejects.toThrow(message)
})

test('an empty file is no configuration, another kind of file no kubeconfig', async () => {
  await expect(selectConnection(await parseKubeconfig(''), '/')).rejects.toThrow('no configuration has been provided')
  await expect(parseKubeconfig('kind: Pod')).rejects.toThrow('its kind must be Config')
})

test('what is written can be read, and joins what was there', async () => {
  const options = { server: 'https://127.0.0.1:6443', ca: 'CA', cert: 'CERT', key: 'KEY' }
  const own = kubeconfigFor('wherry', options)
  const merged = mergeKubeconfig(await parseKubeconfig(text), own)
  const again = await parseKubeconfig(await formatKubeconfig(mergeKubeconfig(merged, own)))
  expect(again).toEqual(merged)
  expect(again.contexts?.map(({ name }) => name)).toEqual(['work', 'play', 'broken', 'nobody', 'wherry'])
  expect(await selectConnection(again, '/')).toEqual({ context: 'wherry', namespace: 'default', transport: options })
})
