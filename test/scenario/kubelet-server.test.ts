import { request } from 'node:https'
import { text as readText } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../api/rbac/cluster-role-binding.ts'
import { type CertifiedKubectl, certifiedKubectl } from '../support/certified-kubectl.ts'
import { isReady, type TestCluster, testCertificates, testCluster } from '../support/cluster.ts'
import { hasKubectl } from '../support/server.ts'

let cluster: TestCluster
let kubeletPort = 0
let admin: CertifiedKubectl

beforeAll(async () => {
  cluster = await testCluster({ simulated: 1, remoteAgents: true })
  admin = await certifiedKubectl(() => cluster.port)
  const node = await cluster.client.get(Node, { name: 'simulated-1' })
  kubeletPort = node.status.daemonEndpoints?.kubeletEndpoint?.Port ?? 0
  await cluster.client.create(Pod, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { containers: [{ name: 'app', image: 'web', command: ['sh', '-c', 'echo started; sleep infinity'], stdin: true }] },
  })
  await cluster.eventually(async () =>
    expect(isReady(await cluster.pod('web')), JSON.stringify((await cluster.pod('web')).status)).toBe(true),
  )
}, 30_000)
afterAll(async () => {
  await cluster?.stop()
  await admin?.[Symbol.asyncDispose]()
})

/** One request to the kubelet itself. */
function kubelet(
  path: string,
  {
    method = 'GET',
    token,
    cert,
  }: { method?: string; token?: string; cert?: { certificate: string; key: string } | undefined } = {},
): Promise<{ status: number; text: string; type: string | undefined }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port: kubeletPort, path, method, rejectUnauthorized: false, agent: false },
        ...(cert && { cert: cert.certificate, key: cert.key }),
        ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
      },
      response => {
        const { statusCode: status = 0, headers } = response
        readText(response).then(text => resolve({ status, text, type: headers['content-type'] }), reject)
      },
    )
    outgoing.on('error', reject).end()
  })
}

describe('a kubelet by its own door', () => {
  test('knows nobody without credentials, nor with wrong ones', async () => {
    expect(await kubelet('/pods')).toMatchObject({ status: 401, text: 'Unauthorized' })
    expect(await kubelet('/pods', { token: 'made-up' })).toMatchObject({ status: 401, text: 'Unauthorized' })
  })

  test('lets in whom a certificate of the cluster names, if he may', async () => {
    const { clients } = await testCertificates()
    const cert = clients.admin
    expect(await kubelet('/healthz', { cert })).toMatchObject({ status: 200, text: 'ok' })
    expect(JSON.parse((await kubelet('/pods', { cert })).text)).toMatchObject({
      kind: 'PodList',
      items: [{ metadata: { name: 'web' } }],
    })
    expect(JSON.parse((await kubelet('/runningpods/', { cert })).text).items).toMatchObject([{ metadata: { name: 'web' } }])
    expect((await kubelet('/containerLogs/default/web/app', { cert })).text).toBe('started\n')
    expect((await kubelet('/containerLogs/default/web/app?tailLines=0', { cert })).text).toBe('')
    expect(await kubelet('/containerLogs/default/web/app?tailLines=x', { cert })).toMatchObject({ status: 400 })
    expect(await kubelet('/containerLogs/default/web/app?limitBytes=0', { cert })).toMatchObject({ status: 422 })
    expect(await kubelet('/containerLogs/default/no/app', { cert })).toMatchObject({
      status: 404,
      text: 'pod "no" does not exist',
    })
    expect(await kubelet('/containerLogs/default/web/no', { cert })).toMatchObject({
      status: 404,
      text: 'container "no" not found in pod "web"',
    })
    expect(await kubelet('/containerLogs/default/web/app?previous=true', { cert })).toMatchObject({
      status: 400,
      text: 'previous terminated container "app" in pod "web" not found',
    })
    expect(await kubelet('/run/default/web/app?cmd=echo+hi', { method: 'POST', cert })).toMatchObject({
      status: 200,
      text: 'hi\n',
    })
    const { uid } = (await cluster.pod('web')).metadata
    expect(await kubelet(`/run/default/web/${uid}/app?cmd=echo+hi`, { method: 'POST', cert })).toMatchObject({ text: 'hi\n' })
    expect(await kubelet('/run/default/web/app?cmd=false', { method: 'POST', cert })).toMatchObject({
      status: 500,
      text: "command 'false' exited with 1: ",
    })
    expect(await kubelet('/exec/default/web/app?command=sh&output=1', { method: 'POST', cert })).toMatchObject({ status: 500 })
    expect(await kubelet('/checkpoint/default/web/app', { method: 'POST', cert })).toMatchObject({
      status: 500,
      text: expect.stringContaining('checkpointing of default/web/app failed'),
    })
    expect(await kubelet('/debug/pprof/heap', { cert })).toMatchObject({ status: 405, text: 'profiling endpoint is disabled.\n' })
    expect(await kubelet('/logs/', { cert })).toMatchObject({ status: 405, text: 'logs endpoint is disabled.\n' })
    expect(await kubelet('/nothing')).toMatchObject({ status: 404, text: '404 page not found\n' })
    expect(await kubelet('/pods', { method: 'DELETE', cert })).toMatchObject({ status: 405 })
  })

  test('asks the API server about tokens and rights', async () => {
    const account = { metadata: { name: 'scraper', namespace: 'default' } }
    await cluster.client.create(ServiceAccount, account)
    const ref = { namespace: 'default', name: 'scraper' }
    const made = (await cluster.client.createSubresource(ServiceAccount, ref, 'token', { spec: {} })) as {
      status: { token: string }
    }
    const { token } = made.status
    const who = 'system:serviceaccount:default:scraper'
    expect(await kubelet('/stats/summary', { token })).toMatchObject({
      status: 403,
      text: `Forbidden (user=${who}, verb=get, resource=nodes, subresource(s)=[stats])\n`,
    })
    expect(await kubelet('/pods', { token })).toMatchObject({
      status: 403,
      text: `Forbidden (user=${who}, verb=get, resource=nodes, subresource(s)=[pods proxy])\n`,
    })
    await cluster.client.create(ClusterRole, {
      metadata: { name: 'scraper' },
      rules: [{ apiGroups: [''], resources: ['nodes/metrics', 'nodes/healthz'], verbs: ['get'] }],
    })
    await cluster.client.create(ClusterRoleBinding, {
      metadata: { name: 'scraper' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'scraper' },
      subjects: [{ kind: 'ServiceAccount', name: 'scraper', namespace: 'default' }],
    })
    await cluster.eventually(async () => expect(await kubelet('/metrics/resource', { token })).toMatchObject({ status: 200 }))
    expect(await kubelet('/healthz', { token })).toMatchObject({ status: 200 })
    expect(await kubelet('/configz', { token })).toMatchObject({ status: 403 })
    // A refusal is remembered for half a minute, whatever has been granted since.
    expect(await kubelet('/stats/summary', { token })).toMatchObject({ status: 403 })
  })
})

if (!hasKubectl) test('kubectl is not on the PATH: kubelets were not asked with it', () => expect(hasKubectl).toBe(false))
describe.runIf(hasKubectl)('the real kubectl, with a kubelet that is asked by HTTPS', () => {
  const kubectl: CertifiedKubectl['run'] = (...words) => admin.run(...words)

  test('logs', async () => {
    expect(await kubectl(['logs', 'web', '--timestamps=false'])).toEqual({ code: 0, out: 'started\n', err: '' })
    expect((await kubectl(['logs', 'web', '-p'])).err).toBe(
      'Error from server (BadRequest): previous terminated container "app" in pod "web" not found\n',
    )
  })

  test.each([false, true])('exec carries input, output and exit codes (SPDY: %s)', async spdy => {
    const said = await kubectl(['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo end; exit 7'], {
      stdin: 'x'.repeat(300_000),
      spdy,
    })
    expect(said).toEqual({ code: 7, out: `${'x'.repeat(300_000)}end\n`, err: 'command terminated with exit code 7\n' })
    expect((await kubectl(['exec', 'web', '--', 'nothing'], { spdy })).code).toBe(127)
  })

  test('top, and what the kubelet tells through the proxy', async () => {
    await cluster.eventually(async () => expect((await kubectl(['top', 'pod'])).out).toMatch(/^web /m))
    expect((await kubectl(['top', 'node'])).out).toContain('simulated-1')
    const raw = async (path: string) => (await kubectl(['get', '--raw', `/api/v1/nodes/simulated-1/proxy/${path}`])).out
    expect(await raw('healthz')).toBe('ok')
    expect(await raw('containerLogs/default/web/app')).toBe('started\n')
    expect(JSON.parse(await raw('stats/summary')).node.nodeName).toBe('simulated-1')
    expect(await raw('metrics')).toContain('kubelet_running_pods 1')
  })
})
