import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Transport } from '../../api/transport.ts'
import { systemClock } from '../../lib/clock.ts'
import { type TestServer as FrontDoor, testServer as frontDoor } from '../http/testing.ts'
import type { TestServer } from '../testing.ts'
import { extensibleServer, type Say, testWebhook } from '../webhooks/testing.ts'
import { auditor } from './auditor.ts'
import { parsePolicy } from './policy.ts'

let server: TestServer
let admin: Transport
let http: FrontDoor
let lines: string[]

async function start(level: string): Promise<void> {
  const policy = parsePolicy({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level }] })
  lines = []
  const audit = auditor({ policy, sink: { write: line => void lines.push(line) }, clock: systemClock })
  http = await frontDoor(request => server.pipeline.handle(request), { audit })
}

beforeEach(async () => {
  server = await extensibleServer()
  admin = server.transport()
})
afterEach(async () => {
  await http.stop()
  await server.stop()
})

const registration = { group: 'admissionregistration.k8s.io', version: 'v1', verb: 'create' } as const
const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }
const configMaps = '/api/v1/namespaces/default/configmaps'
const json = { 'content-type': 'application/json' }
const decided = { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' }

/** What the log says in the end about a create. */
async function annotationsOf(name: string): Promise<Record<string, string>> {
  const { status } = await http.send('POST', configMaps, { headers: json, body: JSON.stringify({ metadata: { name } }) })
  const done = () => lines.map(line => JSON.parse(line)).find(({ stage }) => stage === 'ResponseComplete')
  while (!done()) await systemClock.sleep(1)
  expect(done().responseStatus.code).toBe(status)
  return done().annotations
}

async function policy(name: string, spec: object, validationActions: string[], binding: object = {}): Promise<void> {
  const matchConstraints = { resourceRules: [rule] }
  const body = { metadata: { name }, spec: { matchConstraints, ...spec } }
  await admin.call({ ...registration, resource: 'validatingadmissionpolicies', body })
  const bound = { metadata: { name: `${name}-b` }, spec: { policyName: name, validationActions, ...binding } }
  await admin.call({ ...registration, resource: 'validatingadmissionpolicybindings', body: bound })
  await systemClock.sleep(30)
}

test('a policy that audits says what failed; its own annotations are there whatever its actions are', async () => {
  await start('Metadata')
  const auditAnnotations = [
    { key: 'who', valueExpression: '"  " + object.metadata.name + " "' },
    { key: 'blank', valueExpression: '" "' },
    { key: 'none', valueExpression: 'null' },
    { key: 'long', valueExpression: '"x".replace("x", "abcdefghij").replace("a", "a")' },
  ]
  const validations = [{ expression: 'true' }, { expression: '1 == 2', message: 'never' }]
  await policy('p', { validations, auditAnnotations }, ['Audit', 'Warn'])
  const failure = { message: 'never', policy: 'p', binding: 'p-b', expressionIndex: 1, validationActions: ['Audit', 'Warn'] }
  expect(await annotationsOf('a')).toEqual({
    ...decided,
    'validation.policy.admission.k8s.io/validation_failure': JSON.stringify([failure]),
    'p/who': 'a',
    'p/long': 'abcdefghij',
  })
})

test('an annotation that cannot be made refuses, even if the binding only audits', async () => {
  await start('Metadata')
  const auditAnnotations = [{ key: 'k', valueExpression: 'object.data.missing' }]
  await policy('p', { auditAnnotations }, ['Audit'])
  const answer = await http.send('POST', configMaps, { headers: json, body: JSON.stringify({ metadata: { name: 'a' } }) })
  expect([answer.status, answer.json.message]).toEqual([422, expect.stringMatching(/denied request: .*no such key: data$/)])
})

const webhooks = async (say: Say) => {
  const webhook = await testWebhook(say)
  const unreachable = { url: 'https://127.0.0.1:9/' }
  const common = { rules: [rule], sideEffects: 'None', admissionReviewVersions: ['v1'] }
  for (const resource of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
    const [what] = resource.split('webhook')
    const body = {
      metadata: { name: 'hooks' },
      webhooks: [
        { ...common, name: `a.${what}.org`, clientConfig: webhook.clientConfig(`/${what}`) },
        { ...common, name: `b.${what}.org`, clientConfig: unreachable, failurePolicy: 'Ignore' },
      ],
    }
    await admin.call({ ...registration, resource, body })
  }
  await systemClock.sleep(30)
  return webhook
}

test.each(['Metadata', 'Request'])('webhooks at level %s: what they say, what they changed, and who failed', async level => {
  await start(level)
  const operations = [{ op: 'add', path: '/data', value: { a: 'b' } }]
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64')
  await using _webhook = await webhooks((_request, path) => ({
    allowed: true,
    auditAnnotations: { said: path.replace(/\?.*/, '') },
    ...(path.startsWith('/mutating') && { patch, patchType: 'JSONPatch' }),
  }))
  const about = (webhook: string, more: object) => JSON.stringify({ configuration: 'hooks', webhook, ...more })
  expect(await annotationsOf('a')).toEqual({
    ...decided,
    'a.mutating.org/said': '/mutating',
    'a.validating.org/said': '/validating',
    'mutation.webhook.admission.k8s.io/round_0_index_0': about('a.mutating.org', { mutated: true }),
    'mutation.webhook.admission.k8s.io/round_0_index_1': about('b.mutating.org', { mutated: false }),
    'failed-open.mutation.webhook.admission.k8s.io/round_0_index_1': 'b.mutating.org',
    'failed-open.validating.webhook.admission.k8s.io/round_0_index_1': 'b.validating.org',
    ...(level === 'Request' && {
      'patch.webhook.admission.k8s.io/round_0_index_0': about('a.mutating.org', { patch: operations, patchType: 'JSONPatch' }),
    }),
  })
})
