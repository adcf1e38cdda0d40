import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiError } from '../../api/errors.ts'
import type { ApiRequest, ApiResponse } from '../request.ts'
import { type TestServer, testServer } from './testing.ts'

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: '1', resourceVersion: '7', creationTimestamp: '' },
}
const stored = { object: pod, bytes: Buffer.from(JSON.stringify(pod)), revision: 7 }

let seen: ApiRequest[] = []
let answer: (request: ApiRequest) => Promise<ApiResponse>
let server: TestServer

beforeEach(async () => {
  seen = []
  answer = async () => ({ type: 'object', status: 200, stored, object: pod, warnings: [] })
  server = await testServer(request => {
    seen.push(request)
    return answer(request)
  })
})
afterEach(() => server[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'

test('a create reaches the pipeline with everything the client said', async () => {
  answer = async () => ({ type: 'object', status: 201, stored, object: pod, warnings: ['mind the "gap"'] })
  const reply = await server.send('POST', `${pods}?fieldValidation=Strict&dryRun=All`, {
    body: JSON.stringify(pod),
    headers: { 'user-agent': 'kubectl/v1.32 (linux)', baggage: 'wherry.actor=me,wherry.woken=3+4' },
  })
  expect(reply).toMatchObject({
    status: 201,
    json: pod,
    headers: { warning: '299 - "mind the \\"gap\\""', 'content-type': 'application/json' },
  })
  expect(seen[0]).toEqual({
    group: '',
    version: 'v1',
    resource: 'pods',
    namespace: 'default',
    verb: 'create',
    body: pod,
    options: { fieldValidation: 'Strict', dryRun: true, fieldManager: 'kubectl' },
    user: { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    cause: { actor: 'me', wokenBy: [3, 4] },
  })
})

test('stops in time', async () => {
  expect(await server.stop()).toBeLessThan(1000)
  void ApiError
})
