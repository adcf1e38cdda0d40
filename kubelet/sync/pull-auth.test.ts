import { expect, test } from 'vitest'
import { pullAuths } from './pull-auth.ts'

const json = (value: object) => Buffer.from(JSON.stringify(value))
const config = (auths: object) => ({ type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': json({ auths }) } })
const old = (auths: object) => ({ type: 'kubernetes.io/dockercfg', data: { '.dockercfg': json(auths) } })
/** Credentials that are called as the place they are for. */
const named = (...places: string[]) =>
  config(Object.fromEntries(places.map(place => [place, { username: place, password: 'p' }])))
const users = (auths: readonly { username: string }[]) => auths.map(({ username }) => username)

test.each([
  // place, image, whether it is meant
  ['ghcr.io', 'ghcr.io/a/b:1', true],
  ['ghcr.io', 'quay.io/a/b', false],
  ['https://ghcr.io', 'ghcr.io/a/b@sha256:00', true],
  ['http://ghcr.io/', 'ghcr.io/a', true],
  ['ghcr.io/v1/', 'ghcr.io/a', true],
  ['ghcr.io/v2/a', 'ghcr.io/a/b', true],
  ['ghcr.io/a', 'ghcr.io/ab', true], // a beginning, not a folder
  ['ghcr.io/a/b', 'ghcr.io/a', false],
  ['host:5000', 'host:5000/a', true],
  ['host', 'host:5000/a', false],
  ['host.io:5000', 'host.io/a', false],
  ['*.docker.io', 'blah.docker.io/a', true],
  ['*.docker.io', 'not.right.io/a', false],
  ['*.docker.io', 'one.two.docker.io/a', false],
  ['*.k8s.io', 'k8s.io/a', false],
  ['prefix.*.io', 'prefix.any.io/a', true],
  ['r[a-f]g.io', 'reg.io/a', true],
  ['r[a-d]g.io', 'reg.io/a', false],
  ['localhost', 'localhost/a', true],
  ['docker.io', 'busybox', true],
  ['docker.io/library', 'busybox:1.36', true],
  ['https://index.docker.io/v1/', 'busybox', true],
  ['https://index.docker.io/v1/', 'me/busybox:1', true],
  ['index.docker.io', 'docker.io/library/busybox', true],
  ['https://index.docker.io/v1/', 'quay.io/busybox', false],
])('what is for %s and the image %s: %s', (place, image, isMeant) => {
  expect(users(pullAuths([named(place)], image))).toEqual(isMeant ? [place] : [])
})

test('the longest path is tried first, then the rest; several secrets add up in their order', () => {
  const secrets = [
    named('reg.io', 'reg.io/team'),
    named('reg.io/team/app'),
    config({ 'reg.io': { username: 'second', password: '' } }),
  ]
  expect(users(pullAuths(secrets, 'reg.io/team/app:1'))).toEqual(['reg.io/team/app', 'reg.io/team', 'reg.io', 'second'])
})

test('auth is base64 and counts more than the fields beside it; both formats are read, other secrets are not', () => {
  const auth = Buffer.from('me:pass:word').toString('base64')
  const both = { 'reg.io': { auth, username: 'not-me', password: 'x' } }
  const expected = [{ username: 'me', password: 'pass:word' }]
  expect(pullAuths([config(both)], 'reg.io/a')).toEqual(expected)
  expect(pullAuths([old(both)], 'reg.io/a')).toEqual(expected)
  expect(
    pullAuths(
      [
        { ...config(both), type: 'Opaque' },
        { ...old(both), type: 'Opaque' },
      ],
      'reg.io/a',
    ),
  ).toEqual([])
  expect(pullAuths([config({ 'reg.io': { auth: auth.replace(/=+$/, '') } })], 'reg.io/a')).toEqual(expected)
  expect(() => pullAuths([config({ 'reg.io': { auth: 'bWU=' } })], 'reg.io/a')).toThrow(
    'must be formatted as base64(username:password)',
  )
})
