import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestWebhook, testWebhook } from '../../apiserver/webhooks/testing.ts'
import { manifestsDir } from '../support/manifests.ts'
import { hasKubectl, startServer, type TestServer } from '../support/server.ts'

if (!hasKubectl) test('kubectl is not on the PATH: admission was not tried with it', () => expect(hasKubectl).toBe(false))

const patch = (operations: object[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})

describe.skipIf(!hasKubectl)('webhooks and policies with the real kubectl', () => {
  let server: TestServer
  let webhook: TestWebhook

  async function ok(line: string): Promise<{ out: string; err: string }> {
    const { code, out, err } = await server.kubectl(line)
    expect(code, `kubectl ${line}: ${err}`).toBe(0)
    return { out, err }
  }

  async function refused(line: string): Promise<string> {
    const { code, err } = await server.kubectl(line)
    expect(code, `kubectl ${line}`).not.toBe(0)
    return err
  }

  beforeAll(async () => {
    server = await startServer()
    webhook = await testWebhook(({ object, operation }, path) => {
      if (path.startsWith('/mutate')) return patch([{ op: 'add', path: '/metadata/labels', value: { touched: 'yes' } }])
      if (operation === 'DELETE') return { allowed: true, warnings: ['you will miss it'] }
      return object.metadata.name === 'bad'
        ? { allowed: false, status: { message: 'that is a bad name', code: 403 } }
        : { allowed: true }
    })
    const hook = (name: string, path: string) => ({
      name,
      clientConfig: webhook.clientConfig(path),
      rules: [{ operations: ['CREATE', 'DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'] }],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    })
    const configuration = (kind: string, webhooks: object[]) => ({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind,
      metadata: { name: 'test' },
      webhooks,
    })
    const judge = { ...hook('judge.example.com', '/validate') }
    const painter = hook('painter.example.com', '/mutate')
    painter.rules = [{ ...painter.rules[0], operations: ['CREATE'] }] as typeof painter.rules
    const file = join(server.folder, 'webhooks.json')
    const items = [
      configuration('ValidatingWebhookConfiguration', [judge]),
      configuration('MutatingWebhookConfiguration', [painter]),
    ]
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    await ok(`apply -f ${file}`)
    await ok(`apply -f ${join(manifestsDir, 'admission-policy.yaml')}`)
    await ok(`apply -f ${join(manifestsDir, 'admission-webhook.yaml')}`)
  }, 60_000)
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await webhook[Symbol.asyncDispose]()
  })

  test('a webhook changes, refuses with its message, and warns', async () => {
    await ok('create secret generic good --from-literal=a=b')
    expect((await ok('get secret good -o jsonpath={.metadata.labels}')).out).toBe('{"touched":"yes"}')
    expect(await refused('create secret generic bad --from-literal=a=b')).toBe(
      'error: failed to create secret admission webhook "judge.example.com" denied the request: that is a bad name\n',
    )
    expect((await ok('delete secret good')).err).toContain('Warning: you will miss it')
  })

  test('a policy refuses in its own words, with its parameters', async () => {
    await ok('create deployment few --image=busybox:1.36 --replicas=5')
    expect(await refused('create deployment many --image=busybox:1.36 --replicas=6')).toBe(
      'error: failed to create deployment: deployments.apps "many" is forbidden: ValidatingAdmissionPolicy \'replica-limit\' with ' +
        "binding 'replica-limit' denied request: no more than 5 replicas, please\n",
    )
    await ok('scale deployment few --replicas=9')
  })

  test('a policy changes what is created', async () => {
    await ok('create configmap settings --from-literal=a=b')
    const { out } = await ok('get configmap settings -o jsonpath={.metadata.annotations}')
    expect(out).toBe('{"example.com/made-by":"kubernetes-admin"}')
  })

  test('columns and categories', async () => {
    const cells = async (line: string) => (await ok(line)).out.split('\n').map(row => row.trim().split(/\s{2,}/))
    expect((await cells('get validatingadmissionpolicies'))[0]).toEqual(['NAME', 'VALIDATIONS', 'PARAMKIND', 'AGE'])
    expect((await cells('get validatingadmissionpolicies'))[1]?.slice(0, 3)).toEqual(['replica-limit', '1', 'v1/ConfigMap'])
    expect((await cells('get validatingadmissionpolicybindings'))[1]?.slice(0, 3)).toEqual([
      'replica-limit',
      'replica-limit',
      'default/replica-limit',
    ])
    expect((await cells('get mutatingadmissionpolicies'))[1]?.slice(0, 3)).toEqual(['made-by', '1', '<unset>'])
    expect((await cells('get validatingwebhookconfigurations'))[1]?.slice(0, 2)).toEqual(['reviewer', '1'])
    expect((await ok('get api-extensions -o name')).out).toContain(
      'validatingadmissionpolicy.admissionregistration.k8s.io/replica-limit',
    )
  })

  test('an expression that does not compile is refused, with the place', async () => {
    const body = `{"spec":{"validations":[{"expression":"object.spec.replicas <"}]}}`
    const { code, err } = await server.kubectl([
      'patch',
      'validatingadmissionpolicy',
      'replica-limit',
      '--type=merge',
      '-p',
      body,
    ])
    expect(code).not.toBe(0)
    expect(err).toContain(
      'spec.validations[0].expression: Invalid value: "object.spec.replicas <": compilation failed: ERROR: <input>:1:23: Syntax error',
    )
  })
})
