import { expect, test } from 'vitest'
import { type UserInfo, users } from '../../api/user.ts'
import type { RequestAttributes } from '../http/attributes.ts'
import { extentOf, parsePolicy } from './policy.ts'

const policyOf = (rules: object[], more: object = {}) =>
  parsePolicy({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules, ...more })
const ann: UserInfo = { name: 'ann', groups: ['devs', 'system:authenticated'] }
const resource = (verb: string, name: string, more: Partial<RequestAttributes> = {}): RequestAttributes => ({
  ...{ verb, group: '', resource: name, namespace: 'team' },
  ...more,
})
const path = (text: string): RequestAttributes => ({ verb: 'get', group: '', resource: '', path: text })
const getPod = resource('get', 'pods', { name: 'web' })

test.each<[object, RequestAttributes, boolean]>([
  [{}, getPod, true],
  [{}, path('/x'), true],
  [{ users: ['ann'] }, getPod, true],
  [{ users: ['bob'] }, getPod, false],
  [{ userGroups: ['devs', 'ops'] }, getPod, true],
  [{ userGroups: ['ops'] }, getPod, false],
  [{ verbs: ['get'] }, getPod, true],
  [{ verbs: ['list'] }, getPod, false],
  [{ namespaces: ['team'] }, getPod, true],
  [{ namespaces: ['other'] }, getPod, false],
  [{ namespaces: [''] }, resource('get', 'nodes', { namespace: undefined }), true],
  [{ namespaces: ['team'] }, path('/x'), false],
  [{ resources: [{ group: '' }] }, getPod, true],
  [{ resources: [{ group: 'apps' }] }, getPod, false],
  [{ resources: [{ resources: ['pods'] }] }, getPod, true],
  [{ resources: [{ resources: ['pods'] }] }, resource('get', 'pods', { subresource: 'log' }), false],
  [{ resources: [{ resources: ['pods/log'] }] }, resource('get', 'pods', { subresource: 'log' }), true],
  [{ resources: [{ resources: ['pods/*'] }] }, resource('get', 'pods', { subresource: 'log' }), true],
  [{ resources: [{ resources: ['*/log'] }] }, resource('get', 'pods', { subresource: 'log' }), true],
  [{ resources: [{ resources: ['*'] }] }, resource('get', 'pods', { subresource: 'log' }), true],
  [{ resources: [{ resources: ['pods'], resourceNames: ['web'] }] }, getPod, true],
  [{ resources: [{ resources: ['pods'], resourceNames: ['db'] }] }, getPod, false],
  [{ nonResourceURLs: ['/healthz*'] }, path('/healthz/ping'), true],
  [{ nonResourceURLs: ['/healthz'] }, path('/healthz/ping'), false],
  [{ nonResourceURLs: ['*'] }, path('/anything'), true],
  [{ nonResourceURLs: ['*'] }, getPod, false],
])('%j and %j: %s', (rule, attributes, matches) => {
  const policy = policyOf([{ level: 'Metadata', ...rule }])
  expect(extentOf(policy, ann, attributes).level).toBe(matches ? 'Metadata' : 'None')
})

test('the first rule that matches decides, and stages and fields to leave out add up', () => {
  const policy = policyOf(
    [
      { level: 'None', users: ['kubernetes-admin'] },
      { level: 'Request', verbs: ['get'], omitStages: ['ResponseStarted'], omitManagedFields: false },
      { level: 'RequestResponse' },
    ],
    { omitStages: ['RequestReceived'], omitManagedFields: true },
  )
  expect(extentOf(policy, users.admin, getPod).level).toBe('None')
  expect(extentOf(policy, ann, getPod)).toEqual({
    level: 'Request',
    omitStages: ['RequestReceived', 'ResponseStarted'],
    omitManagedFields: false,
  })
  expect(extentOf(policy, undefined, resource('list', 'pods'))).toEqual({
    level: 'RequestResponse',
    omitStages: ['RequestReceived'],
    omitManagedFields: true,
  })
})

test('what is wrong with a policy is told all at once', () => {
  const rules = [
    { level: 'Everything', nonResourceURLs: ['healthz', '/a*b'], resources: [{ resourceNames: ['x'] }], what: 1 },
    { level: 'None', omitStages: ['Never'], users: 'ann' },
  ]
  expect(() => parsePolicy({ apiVersion: 'v1', rules })).toThrow(
    'the audit policy is invalid: it must be of apiVersion audit.k8s.io/v1 and kind Policy; unknown field rules[0].what; ' +
      'rules[0].level: must be one of None, Metadata, Request, RequestResponse; rules[0].resources[0].resourceNames: needs resources; ' +
      'rules[0].nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs; ' +
      'rules[0].nonResourceURLs: healthz must begin with a /; rules[0].nonResourceURLs: /a*b may have a * at the end only; ' +
      'rules[1].users: must be a list of texts; rules[1].omitStages: must be of RequestReceived, ResponseStarted, ResponseComplete, Panic',
  )
})
