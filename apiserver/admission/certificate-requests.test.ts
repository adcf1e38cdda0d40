import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import type { Target } from '../../api/transport.ts'
import type { UserInfo } from '../../api/user.ts'
import { callsOn, refusal } from '../../test/contract/calls.ts'
import { admissionSteps } from '../admission-steps.ts'
import { type TestServer, testServer } from '../testing.ts'
import { certificateSigners } from './certificate-requests.ts'

const requests: Target = { group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests' }
/** Of CN=jane, O=system:masters. */
const request =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIa01JR0tBZ0VBTUNneERUQUxCZ05WQkFNTUJHcGhibVV4RnpBVkJnTlZCQW9NRG5ONWMzUmxiVHB0WVhOMApaWEp6TUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFeENNM2xhdGg4aEQwajBkU25nOXpSZXNmCmlpbCtDRVRnbzN3c1VVQkkzazlia0YyYlBLYThVeGtLZlNyK1FRc005VFZydnR3a0N6WnpLSk1nQ1BldUxxQUEKTUFvR0NDcUdTTTQ5QkFNQ0Ewa0FNRVlDSVFDSVF2TloxUEFsVk5nZ1R5SkFQemF6QU9yVElyT1R5UENsUi9ESgpnTGFWbUFJaEFNM2NYeGYycm15R1VmeVhzQ1ZycHB1VnpIRk5ZTHV2UFpPU1pNb3d3UUdZCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo='

const jane: UserInfo = { name: 'jane', uid: 'u', groups: ['dev'], extra: { from: ['home'] } }
const signer: UserInfo = { name: 'signer', groups: [] }

let server: TestServer
beforeAll(async () => {
  const may = certificateSigners(({ name }, verb, what) => (verb === 'sign' ? name === 'signer' : what === 'example.com/*'))
  server = await testServer({ admission: [...admissionSteps, ...may] })
})
afterAll(() => server.stop())
const { create, call, get } = callsOn(() => server.transport(jane))
const asSigner = callsOn(() => server.transport(signer))

const wanted = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { request, signerName: 'example.com/x', usages: ['client auth'], ...spec },
})
const write = (name: string, subresource: string, status: object, by = call) =>
  by<CertificateSigningRequest>({ ...requests, verb: 'update', name, subresource, body: { ...wanted(name), status } })
const approved = { type: 'Approved', status: 'True', reason: 'Fine' }

test('who asks is who sent it', async () => {
  const claims = { username: 'admin', groups: ['system:masters'], extra: {} }
  const { spec } = await create<CertificateSigningRequest>(requests, wanted('a', claims))
  expect(spec).toMatchObject({ username: 'jane', uid: 'u', groups: ['dev'], extra: { from: ['home'] } })
})

test('approvers approve, once and for all, and change nothing else', async () => {
  await create(requests, wanted('b'))
  const { status } = await write('b', 'approval', { conditions: [approved], certificate: 'AAAA' })
  const time = expect.stringMatching(/^\d{4}-/)
  expect(status).toEqual({ conditions: [{ ...approved, lastUpdateTime: time, lastTransitionTime: time }] })
  const denied = { type: 'Denied', status: 'True' }
  expect((await refusal(write('b', 'approval', { conditions: [denied] }))).message).toContain(
    'updates may not remove a condition of type "Approved"',
  )
  expect((await refusal(write('b', 'approval', { conditions: [approved, denied] }))).message).toContain(
    'Approved and Denied conditions are mutually exclusive',
  )
  expect((await get(requests, 'b')).spec).toMatchObject({ username: 'jane' })
})

test('signers sign and neither approve nor sign twice', async () => {
  await create(requests, wanted('c'))
  expect((await refusal(write('c', 'status', { conditions: [approved] }, asSigner.call))).message).toContain(
    'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
  )
  expect((await refusal(write('c', 'status', { certificate: 'AAAA' }, asSigner.call))).message).toContain(
    'must contain at least one CERTIFICATE PEM block',
  )
  const failed = { type: 'Failed', status: 'True', reason: 'No' }
  const { status } = await write('c', 'status', { conditions: [failed] }, asSigner.call)
  expect(status.conditions).toEqual([expect.objectContaining(failed)])
})

test('only who may does it', async () => {
  await create(requests, wanted('d', { signerName: 'other.com/x' }))
  expect((await refusal(write('d', 'approval', { conditions: [approved] }))).message).toBe(
    'certificatesigningrequests.certificates.k8s.io "d" is forbidden: user not permitted to approve requests with signerName "other.com/x"',
  )
  expect((await refusal(write('d', 'status', { conditions: [{ type: 'Failed', status: 'True' }] }))).message).toBe(
    'certificatesigningrequests.certificates.k8s.io "d" is forbidden: user not permitted to sign requests with signerName "other.com/x"',
  )
})

test.each([
  [
    { signerName: 'kubernetes.io/kube-apiserver-client' },
    'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
  ],
  [{ request: 'AAAA' }, 'spec.request: Invalid value: "AAAA": PEM block type must be CERTIFICATE REQUEST'],
  [{ usages: [] }, 'spec.usages: Required value'],
  [{ expirationSeconds: 5 }, 'may not specify a duration less than 600 seconds (10 minutes)'],
  [{ signerName: 'x' }, "must be a fully qualified domain and path of the form 'example.com/signer-name'"],
])('%j is refused', async (spec, why) => {
  expect((await refusal(create(requests, wanted('e', spec)))).message).toContain(why)
})
