import { beforeAll, describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'

/** test/e2e/common/node/lifecycle_hook.go: hooks reach a server in another pod. */
const pods = conformancePods('container-lifecycle-hook')

const server = 'pod-handle-http-request'
let serverIp = ''
beforeAll(async () => {
  // Every request stands in its log.
  const echo = '#!/bin/sh\\necho "$REQUEST_METHOD /echo?$QUERY_STRING" > /proc/1/fd/1; echo Content-type: text/plain; echo\\n'
  const serve = `mkdir -p /www/cgi-bin && printf '${echo}' > /www/cgi-bin/echo && chmod 755 /www/cgi-bin/echo`
  const command = ['sh', '-c', `${serve} && exec httpd -f -p 8080 -h /www`]
  await pods().pod(server, { container: { command, readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } } })
  serverIp = (await pods().ready(server)).status.podIP ?? ''
})

const asked = (what: string) =>
  eventually(async () => expect(await pods().logs(server)).toContain(`GET /echo?msg=${what}\n`), { timeoutInMs: 60_000 })

/** Runs a pod with hooks from its start to its end. */
async function live(name: string, lifecycle: { postStart?: object; preStop?: object }): Promise<void> {
  await pods().pod(name, {
    terminationGracePeriodSeconds: 15,
    container: { command: ['sh', '-c', 'trap exit TERM; sleep 600 & wait'], lifecycle },
  })
  await pods().ready(name)
  if (lifecycle.postStart) await asked(name)
  else expect(await pods().logs(server)).not.toContain(`GET /echo?msg=${name}\n`)
  await pods().remove(name, 15)
  if (lifecycle.preStop) await asked(name)
}

const byExec = (name: string) => ({
  exec: { command: ['sh', '-c', `wget -qO- 'http://${serverIp}:8080/cgi-bin/echo?msg=${name}'`] },
})
const byHttp = (name: string) => ({ httpGet: { path: `/cgi-bin/echo?msg=${name}`, host: serverIp, port: 8080 } })

describe.concurrent('Container Lifecycle Hook', () => {
  describe.concurrent('when create a pod with lifecycle hook', () => {
    test('should execute poststart exec hook properly', () => live('poststart-exec', { postStart: byExec('poststart-exec') }))
    test('should execute prestop exec hook properly', () => live('prestop-exec', { preStop: byExec('prestop-exec') }))
    test('should execute poststart http hook properly', () => live('poststart-http', { postStart: byHttp('poststart-http') }))
    test('should execute prestop http hook properly', () => live('prestop-http', { preStop: byHttp('prestop-http') }))
  })
})
