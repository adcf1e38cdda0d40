import { describe, expect, test } from 'vitest'
import { Pod } from '../../../api/core/pod.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { watching } from '../../support/watching.ts'

const pods = conformancePods('pre-stop')
/** Keeps what is posted to /cgi-bin/write, and answers it at /cgi-bin/read. */
const server = `
mkdir -p /www/cgi-bin
printf '#!/bin/sh\\ncat > /tmp/received\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\nok"\\n' > /www/cgi-bin/write
printf '#!/bin/sh\\nprintf "Content-Type: application/json\\\\r\\\\n\\\\r\\\\n"\\ncat /tmp/received\\n' > /www/cgi-bin/read
chmod +x /www/cgi-bin/*
exec httpd -f -p 8080 -h /www`

describe.concurrent('PreStop', () => {
  test('should call prestop when killing a pod', async () => {
    const { client, https } = pods().cluster
    await pods().pod('server', { container: { command: ['sh', '-c', server], ports: [{ containerPort: 8080 }] } })
    const { podIP } = (await pods().ready('server')).status
    const said = '{"Source": "prestop"}'
    const call = ['wget', '-q', '-O-', `--post-data=${said}`, `http://${podIP}:8080/cgi-bin/write`]
    const lifecycle = { preStop: { exec: { command: call } } }
    await pods().pod('tester', { terminationGracePeriodSeconds: 10, container: { command: ['sleep', '600'], lifecycle } })
    await pods().ready('tester')
    const read = `/api/v1/namespaces/${pods().namespace}/pods/server:8080/proxy/cgi-bin/read`
    expect(await https.raw(read).catch(String)).not.toEqual(JSON.parse(said))

    await client.delete(Pod, { namespace: pods().namespace, name: 'tester' })
    await eventually(async () => expect(await https.raw(read)).toEqual(JSON.parse(said)), { timeoutInMs: 60_000 })
  })

  test('graceful pod terminated should wait until preStop hook completes the process', async () => {
    const polite = ['sh', '-c', 'trap exit TERM; while :; do sleep 0.2; done']
    const hook = 'until test -e /tmp/go; do sleep 0.1; done'
    const lifecycle = { preStop: { exec: { command: ['sh', '-c', hook] } } }
    await pods().pod('waiting', { terminationGracePeriodSeconds: 60, container: { command: polite, lifecycle } })
    await pods().ready('waiting')
    const { client } = pods().cluster
    await using watch = await watching(client, Pod, { namespace: pods().namespace, fieldSelector: 'metadata.name=waiting' })
    await client.delete(Pod, { namespace: pods().namespace, name: 'waiting' })
    await watch.seen(({ object }) => object.metadata.deletionTimestamp !== undefined)
    // It runs for as long as its hook does, and can be talked to.
    expect((await pods().exec('waiting', ['echo', 'here'])).stdout).toBe('here\n')
    expect((await pods().get('waiting')).status.phase).toBe('Running')
    await pods().exec('waiting', ['touch', '/tmp/go'])
    await watch.seen(({ type }) => type === 'DELETED')
  })
})
