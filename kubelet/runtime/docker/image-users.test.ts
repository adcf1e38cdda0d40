import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { containerConfig, podIdentity, sandboxConfig } from '../pod-configs.ts'
import { identityOf } from './create-options.ts'
import { firstEntry, usersIn } from './image-users.ts'
import { containerLabels, dockerName, isGenuine, readLabels, sandboxLabels } from './labels.ts'
import { tarOf } from './tar.ts'

const passwd = 'root:x:0:0::/:\nbroken\napp:x:1000:1500::/:\n'
const group = 'root:x:0:\napp:x:1500:app\nextra:x:4000:other,app\n7777:x:0:\n:::\n'
const users = usersIn(passwd, group)
const identity = (security: object) =>
  identityOf({ ...containerConfig({ pod: podIdentity(), image: 'a' }).security, ...security }, users)

test.each<[object, object]>([
  [{}, { groups: [] }],
  [{ runAsUser: 1000 }, { user: '1000', groups: [] }],
  [{ runAsUsername: 'app' }, { user: 'app', groups: [] }],
  [
    { runAsUser: 1000, runAsGroup: 3 },
    { user: '1000:3', groups: [4000] },
  ],
  [
    { runAsUsername: 'app', runAsGroup: 3 },
    { user: 'app:3', groups: [4000] },
  ],
  [
    { runAsGroup: 3, supplementalGroups: [8] },
    { user: '0:3', groups: [8] },
  ],
  [
    { runAsUser: 1000, supplementalGroupsPolicy: 'Strict' },
    { user: '1000:1500', groups: [] },
  ],
  [
    { runAsUser: 9, supplementalGroupsPolicy: 'Strict', supplementalGroups: [8] },
    { user: '9:0', groups: [8] },
  ],
  [
    { runAsUser: 1000, runAsGroup: 3, supplementalGroupsPolicy: 'Strict' },
    { user: '1000:3', groups: [] },
  ],
])('who a container with %j is to Docker', (security, expected) => {
  expect(identity(security)).toEqual(expected)
})

test('a group that goes by the number of another is not taken for it', () => {
  expect(() => identity({ supplementalGroups: [7777] })).toThrow('the image has a group 0 that is named "7777"')
  expect(() => identity({ supplementalGroups: [4000] })).not.toThrow()
})

test('the first file of an archive, behind headers that only extend it', async () => {
  const extension = tarOf('pax', Buffer.from('27 mtime=1700000000.0000\n'))
  extension.write('x', 156)
  const archive = Buffer.concat([extension.subarray(0, 1024), tarOf('group', Buffer.from(group))])
  expect(await firstEntry(Readable.from([archive.subarray(0, 700), archive.subarray(700)]))).toEqual({ text: group })
  const link = tarOf('group', Buffer.alloc(0))
  link.write('2', 156)
  link.write('../other', 157)
  expect(await firstEntry(Readable.from([link]))).toEqual({ link: '../other' })
  expect(await firstEntry(Readable.from([Buffer.alloc(1024)]))).toEqual({ text: '' })
})

const owner = { cluster: 'c', node: 'n' }

test('labels that an image brings along are not read, and do not make a container ours', () => {
  const config = containerConfig({ pod: podIdentity(), image: 'a', annotations: { 'io.kubernetes.container.restartCount': '2' } })
  const image = {
    'wherry.dev/annotation/wherry.dev/termination-message-file': '/etc/shadow',
    'wherry.dev/annotation/io.kubernetes.container.restartCount': '9',
    app: 'other',
  }
  const Labels = { ...image, ...containerLabels(owner, 'sandbox', config, 1) }
  expect(readLabels(Labels)).toMatchObject({ labels: {}, annotations: { 'io.kubernetes.container.restartCount': '2' } })
  const name = dockerName(owner, config.pod, config.name, config.attempt)
  expect(isGenuine({ Names: [`/${name}`], Labels })).toBe(true)
  expect(isGenuine({ Names: ['/somebody'], Labels })).toBe(false)
  expect(isGenuine({ Names: [`/${name}`], Labels: { ...Labels, 'wherry.dev/attempt': '7' } })).toBe(false)
})

test('labels of a pod cannot be the kubelet’s own', () => {
  const config = sandboxConfig({ labels: { 'wherry.dev/sandbox': 'another', 'wherry.dev/role': 'init', app: 'web' } })
  const made = sandboxLabels(owner, config, 1)
  expect(made).not.toHaveProperty('wherry.dev/sandbox')
  expect(readLabels(made)).toMatchObject({ role: 'app', labels: { app: 'web' } })
})
