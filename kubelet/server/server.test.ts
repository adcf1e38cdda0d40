import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { ApiError } from '../../api/errors.ts'
import type { NodeAgent } from '../../api/node-agent.ts'
import { systemClock, virtualClock } from '../../lib/clock.ts'
import { issueCertificate } from '../../lib/x509/certificate.ts'
import { servedKubelet } from './testing.ts'

const agent: Partial<NodeAgent> = {
  serve: async path =>
    path.startsWith('/nothing') ? undefined : { status: 200, contentType: 'text/plain', body: `page ${path}` },
  async *logs(_target, options) {
    if (options.previous) throw new ApiError('BadRequest', 'previous terminated container "app" in pod "web" not found')
    yield Buffer.from(JSON.stringify(options))
  },
}

let open: Awaited<ReturnType<typeof servedKubelet>> | undefined
afterEach(async () => {
  await open?.[Symbol.asyncDispose]()
  open = undefined
})
const served = async (options: Omit<Parameters<typeof servedKubelet>[0], 'agent'> = {}) =>
  (open = await servedKubelet({ agent, ...options }))

/** Who holds what, as rules of a cluster would say. */
const rights: Readonly<Record<string, readonly string[]>> = {
  ann: ['get proxy', 'create proxy', 'get stats', 'get metrics', 'get log'],
  scraper: ['get metrics', 'get stats'],
  prober: ['get healthz'],
  lister: ['get pods'],
  starter: ['create proxy'],
}
const may = (user: string, verb: string, subresource: string) => rights[user]?.includes(`${verb} ${subresource}`) ?? false

describe('who may do what', () => {
  test.each([
    ['nobody', undefined, 'GET', '/pods', 401],
    ['a bad token', 'bad', 'GET', '/pods', 401],
    ['a token that cannot be checked', 'broken', 'GET', '/pods', 401],
    ['anybody, of what is not there', undefined, 'GET', '/nowhere', 404],
    ['a scraper', 'scraper', 'GET', '/metrics/cadvisor', 200],
    ['a scraper', 'scraper', 'GET', '/stats/summary', 200],
    ['a scraper', 'scraper', 'POST', '/stats/summary', 403],
    ['a scraper', 'scraper', 'GET', '/pods', 403],
    ['a scraper', 'scraper', 'GET', '/healthz', 403],
    ['a prober', 'prober', 'GET', '/healthz/ping', 200],
    ['a prober', 'prober', 'GET', '/configz', 403],
    ['a lister', 'lister', 'GET', '/pods/', 200],
    ['a lister', 'lister', 'GET', '/runningpods/', 200],
    ['a lister', 'lister', 'GET', '/containerLogs/default/web/app', 403],
    ['who may proxy', 'ann', 'GET', '/pods', 200],
    ['who may proxy', 'ann', 'GET', '/healthz', 200],
    ['who may proxy', 'ann', 'GET', '/containerLogs/default/web/app', 200],
    ['who may only start things', 'starter', 'GET', '/exec/default/web/app', 403],
    ['somebody of whom the API server cannot be asked', 'confused', 'GET', '/pods', 500],
  ])('%s (%s): %s %s is answered %i', async (_who, token, method, path, status) => {
    const { ask } = await served({ may })
    expect(await ask(path, { method, ...(token !== undefined && { token }) })).toMatchObject({ status })
  })

  test('refusals have the words of upstream', async () => {
    const { ask } = await served({ may })
    expect((await ask('/pods')).text).toBe('Unauthorized')
    expect((await ask('/pods', { token: 'scraper' })).text).toBe(
      'Forbidden (user=scraper, verb=get, resource=nodes, subresource(s)=[pods proxy])\n',
    )
    expect((await ask('/pods', { token: 'confused' })).text).toBe(
      'Authorization error (user=confused, verb=get, resource=nodes, subresource=pods)',
    )
  })

  test('certificates of the cluster name their bearer; others do not, and do not fall back to anonymous', async () => {
    const { ask, asAdmin } = await served({ may, config: { anonymous: true } })
    expect(await asAdmin('/pods')).toMatchObject({ status: 200 })
    const validity = { notBefore: systemClock.now() - 60_000, notAfter: systemClock.now() + 3_600_000 }
    const certificate = issueCertificate({ subject: { commonName: 'ann' }, purpose: 'client', ...validity })
    expect(await ask('/pods', { certificate })).toMatchObject({ status: 401 })
    expect((await ask('/pods')).text).toMatch(/^Forbidden \(user=system:anonymous,/)
  })

  test('answers are remembered: tokens two minutes, leave five, refusals half a minute', async () => {
    const clock = virtualClock()
    const { ask, asked } = await served({ may, clock })
    const both = async () => {
      asked.length = 0
      await ask('/metrics', { token: 'scraper' })
      await ask('/configz', { token: 'scraper' })
      return asked.map(question => question.replace('scraper', 'x'))
    }
    const refused = ['x get nodes/configz n1', 'x get nodes/proxy n1']
    expect(await both()).toEqual(
      ['token scraper', 'x get nodes/metrics n1', ...refused].map(text => text.replace('scraper', 'x')),
    )
    expect(await both()).toEqual([])
    await clock.advance(31_000)
    expect(await both()).toEqual(refused)
    await clock.advance(90_000)
    expect(await both()).toEqual(['token x', ...refused])
    await clock.advance(180_000)
    expect(await both()).toContain('x get nodes/metrics n1')
  })

  test('alwaysAllow asks nobody', async () => {
    const { ask, asked } = await served({ config: { authorization: 'alwaysAllow', anonymous: true } })
    expect(await ask('/pods')).toMatchObject({ status: 200, text: 'page /pods' })
    expect(asked).toEqual([])
  })
})

describe('what it answers', () => {
  test('logs, with every parameter', async () => {
    const { asAdmin } = await served()
    const query = 'follow=true&timestamps=1&tailLines=3&limitBytes=9&sinceSeconds=5'
    expect(JSON.parse((await asAdmin(`/containerLogs/default/web/app?${query}`)).text)).toEqual({
      ...{ follow: true, timestamps: true, tailLines: 3, limitBytes: 9, sinceSeconds: 5 },
    })
    expect(JSON.parse((await asAdmin('/containerLogs/default/web/app?tail=7&stream=All')).text)).toEqual({
      tailLines: 7,
      stream: 'All',
    })
    expect(await asAdmin('/containerLogs/default/web/app?previous=true')).toMatchObject({
      status: 400,
      text: 'previous terminated container "app" in pod "web" not found',
    })
  })

  test.each([
    ['GET', '/containerLogs/default/web/app?tailLines=x', 400, '{"message": "Unable to decode query."}'],
    ['GET', '/containerLogs/default/web/app?sinceTime=x', 400, '{"message": "Unable to decode query."}'],
    ['GET', '/containerLogs/default/web/app?limitBytes=0', 422, '{"message": "Invalid request."}'],
    ['GET', '/containerLogs/default/web/app?stream=Neither', 422, '{"message": "Invalid request."}'],
    ['GET', '/containerLogs/default/no/app', 404, 'pod "no" does not exist'],
    ['GET', '/containerLogs/default/web/no', 404, 'container "no" not found in pod "web"'],
    ['GET', '/containerLogs/default/web', 404, '404: Page Not Found'],
    ['POST', '/pods', 405, '405: Method Not Allowed'],
    ['GET', '/run/default/web/app?cmd=x', 405, '405: Method Not Allowed'],
    ['POST', '/run/default/no/app?cmd=x', 404, 'pod does not exist'],
    ['POST', '/exec/default/web/app?output=1', 500, 'Upgrade request required\n'],
    ['POST', '/checkpoint/default/no/app', 404, 'pod does not exist'],
    ['POST', '/checkpoint/default/web/no', 404, 'container no does not exist'],
    ['GET', '/debug/pprof/', 405, 'profiling endpoint is disabled.\n'],
    ['PUT', '/debug/flags/v', 405, 'flags endpoint is disabled.\n'],
    ['GET', '/logs/', 405, 'logs endpoint is disabled.\n'],
    ['GET', '/exec/default/%ff/app', 400, 'invalid URL escape in "%ff"\n'],
  ])('%s %s: %i %j', async (method, path, status, text) => {
    const { asAdmin } = await served()
    expect(await asAdmin(path, { method })).toMatchObject({ status, text })
  })

  test.each([
    ['/exec/default/web/app', 400, 'you must specify at least 1 of stdin, stdout, stderr'],
    ['/exec/default/web/app?output=1', 400, 'unable to upgrade: X-Stream-Protocol-Version is required'],
    ['/portForward/default/no', 400, 'unable to upgrade: X-Stream-Protocol-Version is required'],
    ['/pods', 400, 'unable to upgrade to spdy/3.1\n'],
  ])('an upgrade of %s: %i %j', async (path, status, text) => {
    const { asAdmin } = await served()
    expect(await asAdmin(path, { headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1' } })).toMatchObject({ status, text })
  })

  test('an upgrade by nobody is refused like everything else', async () => {
    const { ask } = await served()
    const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' }
    expect(await ask('/exec/default/web/app?output=1', { headers })).toMatchObject({ status: 401, text: 'Unauthorized' })
  })

  test('without debugging handlers, only figures', async () => {
    const { asAdmin } = await served({ config: { debuggingHandlers: false } })
    expect(await asAdmin('/metrics')).toMatchObject({ status: 200 })
    expect(await asAdmin('/containerLogs/default/web/app')).toMatchObject({
      status: 405,
      text: 'Debug endpoints are disabled.\n',
    })
    expect(await asAdmin('/runningpods/')).toMatchObject({ status: 405 })
  })
})

test("the node's logs are listed and read, and nothing outside of their folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-node-logs-'))
  try {
    const logsDir = join(folder, 'log')
    await mkdir(join(logsDir, 'pods'), { recursive: true })
    await writeFile(join(folder, 'secret'), 'secret')
    await writeFile(join(logsDir, 'a<b.log'), 'line\n')
    await symlink(join(folder, 'secret'), join(logsDir, 'out'))
    const { asAdmin } = await served({ config: { logsDir } })
    expect((await asAdmin('/logs/')).text).toContain(
      '<a href="a%3Cb.log">a&#60;b.log</a>\n<a href="out">out</a>\n<a href="pods/">pods/</a>\n',
    )
    expect(await asAdmin('/logs/a%3Cb.log')).toMatchObject({ status: 200, text: 'line\n' })
    expect(await asAdmin('/logs/pods')).toMatchObject({ status: 301, headers: { location: 'pods/' } })
    for (const path of ['/logs/out', '/logs/none', '/logs/%2e%2e/secret', '/logs/..%2fsecret', '/logs/%00'])
      expect([400, 404]).toContain((await asAdmin(path)).status)
    expect(await asAdmin('/logs/?query=kubelet')).toMatchObject({ status: 501 })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a new certificate is shown from the next connection on', async () => {
  const validity = { notBefore: systemClock.now() - 60_000, notAfter: systemClock.now() + 3_600_000 }
  const make = (commonName: string) =>
    issueCertificate({ subject: { commonName }, purpose: 'server', hosts: ['127.0.0.1'], ...validity })
  let current = make('first')
  const { port } = await served({ certificate: () => current })
  const shown = () =>
    new Promise(resolve => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subject.CN)
        socket.destroy()
      })
    })
  expect(await shown()).toBe('first')
  current = make('second')
  expect(await shown()).toBe('second')
})

test('health alone can be told to anybody, over plain HTTP', async () => {
  const free = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => free.once('listening', resolve))
  const { port } = free.address() as { port: number }
  await new Promise(resolve => free.close(resolve))
  await served({ config: { healthz: { address: '127.0.0.1', port } } })
  const ask = (path: string) =>
    new Promise(resolve =>
      get({ host: '127.0.0.1', port, path, agent: false }, response => resolve(response.resume().statusCode)),
    )
  expect(await ask('/healthz')).toBe(200)
  expect(await ask('/pods')).toBe(404)
})

test('a port that is taken is a failure, and leaves nothing open', async () => {
  const { port } = await served()
  await expect(servedKubelet({ agent, config: { port } })).rejects.toThrow('EADDRINUSE')
})
