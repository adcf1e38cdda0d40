import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ContainerTarget, ExecSession, NodeAgent } from '../../api/node-agent.ts'
import { users } from '../../api/user.ts'
import { callsOn, pod, pods, refusal } from '../../test/contract/calls.ts'
import { type TestServer, testServer } from '../testing.ts'

const target = { namespace: 'default', name: 'a' }
const exec = { command: ['ls'], stdin: false, stdout: true, stderr: false, tty: false }

let server: TestServer
let asked: { target: ContainerTarget; options: object }[]
beforeEach(async () => {
  asked = []
  const session = {} as ExecSession
  const agent: NodeAgent = {
    async *logs(target, options) {
      asked.push({ target, options })
      yield Buffer.from('hello')
    },
    exec: async (target, options) => {
      asked.push({ target, options })
      return session
    },
    attach: async (target, options) => {
      asked.push({ target, options })
      return session
    },
  }
  server = await testServer({ nodeAgents: node => (node === 'n1' ? agent : undefined) })
})
afterEach(() => server.stop())
const { create } = callsOn(() => server.transport())

async function runningPod(containers: string[], node = 'n1', more: object = {}) {
  const made = await create(pods, pod('a', {}, { containers: containers.map(name => ({ name, image: 'x' })), ...more }))
  await create(pods, { target: { kind: 'Node', name: node } }, { name: 'a', subresource: 'binding' })
  return made.metadata.uid
}

async function logs(parameters: object = {}): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of server.transport().logs(target, parameters, new AbortController().signal)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('log', () => {
  test('comes from the node of the pod, for its only container', async () => {
    const uid = await runningPod(['main'])
    expect(await logs({ tailLines: 5 })).toBe('hello')
    expect(asked).toEqual([{ target: { ...target, uid, container: 'main' }, options: { tailLines: 5 } }])
  })

  test('an unscheduled pod has none', async () => {
    await create(pods, pod('a'))
    expect(await logs()).toBe('')
  })

  test('of several containers one has to be named, and be there', async () => {
    await runningPod(['a', 'b'], 'n1', { initContainers: [{ name: 'first', image: 'x' }] })
    expect(await refusal(logs())).toMatchObject({
      code: 400,
      message: 'a container name must be specified for pod a, choose one of: [first a b]',
    })
    expect(await refusal(logs({ container: 'c' }))).toMatchObject({ code: 400, message: 'container c is not valid for pod a' })
    expect(await logs({ container: 'first' })).toBe('hello')
  })

  test.each([
    [{ tailLines: -1 }, 'tailLines'],
    [{ limitBytes: 0 }, 'limitBytes'],
    [{ sinceSeconds: 0 }, 'sinceSeconds'],
    [{ sinceSeconds: 1, sinceTime: '2026-01-01T00:00:00Z' }, ''],
    [{ stream: 'Stdout', tailLines: 1 }, ''],
    [{ stream: 'Both' }, 'stream'],
  ])('%j is refused', async (parameters, field) => {
    await runningPod(['main'])
    expect(await refusal(logs(parameters))).toMatchObject({ code: 422, details: { kind: 'PodLogOptions', causes: [{ field }] } })
  })

  test('a pod that is not there, a node that cannot be reached', async () => {
    expect(await refusal(logs())).toMatchObject({ code: 404, message: 'pods "a" not found' })
    await runningPod(['main'], 'n2')
    expect(await refusal(logs())).toMatchObject({ code: 503, reason: 'ServiceUnavailable' })
  })
})

describe('exec and attach', () => {
  test('reach the container', async () => {
    const uid = await runningPod(['main'])
    await server.transport().exec(target, exec)
    const attach = { ...pods, verb: 'create', name: 'a', subresource: 'attach', user: users.admin } as const
    await server.pipeline.handle({ ...attach, parameters: { stdin: true, container: 'main' } })
    expect(asked).toEqual([
      { target: { ...target, uid, container: 'main' }, options: exec },
      { target: { ...target, uid, container: 'main' }, options: expect.objectContaining({ stdin: true, stdout: false }) },
    ])
  })

  test.each([
    [{ ...exec, command: [] }, 'you must specify at least one command for the container'],
    [{ ...exec, stdout: false }, 'you must specify at least 1 of stdin, stdout, stderr'],
  ])('%j is refused', async (options, message) => {
    await runningPod(['main'])
    expect(await refusal(server.transport().exec(target, options))).toMatchObject({ code: 400, message })
  })

  test('a terminal has no standard error of its own', async () => {
    await runningPod(['main'])
    await server.transport().exec(target, { ...exec, stderr: true, tty: true })
    expect(asked[0]?.options).toEqual({ ...exec, tty: true })
  })

  test('a pod without a node', async () => {
    await create(pods, pod('a'))
    expect(await refusal(server.transport().exec(target, exec))).toMatchObject({
      code: 400,
      message: 'pod a does not have a host assigned',
    })
  })
})
