import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { auditFile, metadataOfEverything, readPolicy } from './audit-file.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'wherry-audit-'))))
afterAll(() => rm(folder, { recursive: true }))

const request = {
  auditId: 'a',
  uri: '/api/v1/namespaces/team/pods?watch=true',
  userAgent: `x${'y'.repeat(2000)}`,
  sourceIPs: ['127.0.0.1'],
  attributes: { verb: 'watch', group: '', version: 'v1', resource: 'pods', namespace: 'team' },
  user: { name: 'ann', groups: ['devs'], uid: 'u', extra: { scope: ['a'] } },
}

test('one JSON object a line, for its owner only, added to what is there; all of it is there when it stops', async () => {
  const path = join(folder, 'audit.log')
  await writeFile(path, 'before\n', { mode: 0o600 })
  const { auditor, run } = auditFile({ path, policy: metadataOfEverything, clock: virtualClock(), log: silentLog })
  const stop = new AbortController()
  const running = run(stop.signal)
  const trail = auditor.begin(request)
  trail?.started(200)
  trail?.ended(200)
  trail?.ended(200)
  stop.abort()
  await running
  const [before, ...lines] = (await readFile(path, 'utf8')).trimEnd().split('\n')
  expect(before).toBe('before')
  const events = lines.map(line => JSON.parse(line))
  expect(events.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseStarted', 'ResponseComplete'])
  expect(events[2]).toEqual({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: 'a',
    stage: 'ResponseComplete',
    requestURI: request.uri,
    verb: 'watch',
    user: { username: 'ann', uid: 'u', groups: ['devs'], extra: { scope: ['a'] } },
    sourceIPs: ['127.0.0.1'],
    userAgent: `x${'y'.repeat(1023)}...TRUNCATED`,
    objectRef: { resource: 'pods', namespace: 'team', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
    stageTimestamp: '2026-01-01T00:00:00.000000Z',
  })
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('a policy is read from YAML; a file that cannot be opened is told at once', async () => {
  const path = join(folder, 'policy.yaml')
  await writeFile(path, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Request\n')
  expect((await readPolicy(path)).rules).toMatchObject([{ level: 'Request' }])
  const options = { path: join(folder, 'no', 'where'), policy: metadataOfEverything, clock: virtualClock(), log: silentLog }
  expect(() => auditFile(options)).toThrow('ENOENT')
})
