import { readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hasKubectl, startServer, type TestServer } from '../support/server.ts'

if (!hasKubectl) test('kubectl is not on the PATH: nothing was compared with it', () => expect(hasKubectl).toBe(false))

let server: TestServer
let round = 0
/** Each test works in a namespace of its own. */
let ns: string

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  ns = `ns-${++round}`
  await said(`create namespace ${ns}`)
})

const wherry = (line: string, options = {}) => server.wherry(`-n ${ns} ${line}`, options)

/** What a command printed; it must have gone well, and without complaint. */
async function said(line: string, options = {}): Promise<string> {
  const { code, out, err } = await wherry(line, options)
  expect({ line, code, err }).toEqual({ line, code: 0, err: '' })
  return out
}

const json = async (line: string) => JSON.parse(await said(`${line} -o json`))

const deployment = (replicas: number | string, extra = '') => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: main
          image: nginx:1
${extra}`
const configMap = (name: string, data = '{a: b}') => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: ${data}\n`

/** Two versions of objects whose fields merge in every way there is. */
const crowded = {
  before: `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {a: "1", b: "2"}, annotations: {x: old, gone: z}, finalizers: [a.b/one, a.b/two]}
spec:
  replicas: 2
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, drop: me}}
    spec:
      hostAliases: [{ip: 1.2.3.4, hostnames: [a, b]}, {ip: 1.2.3.5, hostnames: [c]}]
      imagePullSecrets: [{name: s1}, {name: s2}]
      tolerations: [{key: a, operator: Exists}, {key: b, operator: Exists}]
      nodeSelector: {disk: ssd, zone: a}
      initContainers: [{name: i1, image: x}]
      containers:
        - name: main
          image: nginx:1
          args: [a, b]
          env: [{name: A, value: "1"}, {name: B, value: "2"}, {name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
          ports: [{containerPort: 80, name: http}, {containerPort: 443}]
          volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /b}]
          resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 100m}}
          livenessProbe: {httpGet: {path: /, port: 80}}
        - {name: side, image: side}
        - {name: third, image: z}
      volumes: [{name: v, emptyDir: {}}, {name: w, configMap: {name: c}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {a: b}, ports: [{name: a, port: 80}, {name: b, port: 81, targetPort: x}]}
`,
  after: `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {a: "9"}, annotations: {x: new}, finalizers: [a.b/two, a.b/three]}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostAliases: [{ip: 1.2.3.5, hostnames: [c, d]}]
      imagePullSecrets: [{name: s2}, {name: s3}]
      tolerations: [{key: b, operator: Exists}]
      nodeSelector: {disk: hdd}
      containers:
        - {name: third, image: z}
        - name: main
          image: nginx:2
          args: [a]
          env: [{name: C, value: plain}, {name: A, value: "1"}, {name: D, value: ""}]
          ports: [{containerPort: 443}, {containerPort: 8080}]
          volumeMounts: [{name: v, mountPath: /b}]
          resources: {limits: {cpu: 2}}
          livenessProbe: {exec: {command: [x]}}
      volumes: [{name: v, configMap: {name: d}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {a: c}, ports: [{name: c, port: 82}, {name: a, port: 80, targetPort: 8080}]}
`,
}

describe('apply', () => {
  test('creates, leaves alone, changes, and takes away what was dropped but not what others set', async () => {
    const file = await server.file('web.yaml', deployment(2, '          env: [{name: A, value: x}, {name: B, value: z}]\n'))
    expect(await said(`apply -f ${file}`)).toBe('deployment.apps/web created\n')
    expect(await said(`apply -f ${file}`)).toBe('deployment.apps/web unchanged\n')
    await said('label deploy web theirs=stays')
    await server.file('web.yaml', deployment(3, '          env: [{name: B, value: z}]\n'))
    expect(await said(`apply -f ${file} --dry-run=server`)).toBe('deployment.apps/web configured (server dry run)\n')
    expect(await said(`apply -f ${file} --dry-run=client`)).toBe('deployment.apps/web configured (dry run)\n')
    expect(await said(`apply -f ${file}`)).toBe('deployment.apps/web configured\n')
    const { metadata, spec } = await json('get deploy web')
    expect(metadata.labels).toEqual({ app: 'web', theirs: 'stays' })
    expect(spec.replicas).toBe(3)
    expect(spec.template.spec.containers[0].env).toEqual([{ name: 'B', value: 'z' }])
  })

  test('goes on after a failure and ends with 1; every fault has its place in the file', async () => {
    const file = await server.file(
      'several.yaml',
      [
        configMap('"Bad Name"'),
        configMap('good'),
        'apiVersion: v1\nkind: ConfigMapp\nmetadata: {name: x}\n',
        configMap('also-good'),
      ].join('---\n'),
    )
    const { code, out, err } = await wherry(`apply -f ${file}`)
    expect(code).toBe(1)
    expect(out).toBe('configmap/good created\nconfigmap/also-good created\n')
    expect(err).toMatch(/^The ConfigMap "Bad Name" is invalid: metadata\.name: Invalid value: .* \(.*several\.yaml:3:12\)\n/)
    expect(err).toContain(
      `error: ${file}:12:1: the server knows no kind "ConfigMapp" in version "v1" (did you mean "ConfigMap"?)\n`,
    )
  })

  test('says where an unknown field stands and what was probably meant, when creating and when patching', async () => {
    const file = await server.file('typo.yaml', deployment(2).replace('replicas:', 'replcas:').replace('image:', 'imag:'))
    const faults = `error: ${file}:5:3: unknown field "spec.replcas" (did you mean "replicas"?)
error: ${file}:12:11: unknown field "spec.template.spec.containers[0].imag" (did you mean "image"?)\n`
    expect(await wherry(`apply -f ${file}`)).toEqual({ code: 1, out: '', err: faults })
    expect(await said('apply -f -', { stdin: deployment(2) })).toBe('deployment.apps/web created\n')
    expect(await wherry(`apply -f ${file}`)).toEqual({ code: 1, out: '', err: faults })
    await server.file('typo.yaml', deployment(2).replace('replicas:', 'replcas:'))
    const lenient = await wherry(`apply -f ${file} --validate=warn`)
    expect(lenient).toMatchObject({ code: 0, out: 'deployment.apps/web configured\n' })
    expect(lenient.err).toContain('Warning: unknown field "spec.replcas"')
    expect((await wherry(`apply -f ${file} --validate=perhaps`)).err).toContain('invalid - validate option "perhaps"')
  })

  test('points to where a misplaced field belongs, and tells a wrong type in plain words', async () => {
    const misplaced = await server.file('misplaced.yaml', deployment(2).replace('replicas: 2', 'nodeName: n1'))
    expect((await wherry(`apply -f ${misplaced}`)).err).toBe(
      `error: ${misplaced}:5:3: unknown field "spec.nodeName" (did you mean "spec.template.spec.nodeName"?)\n`,
    )
    const mistyped = await server.file('mistyped.yaml', deployment('two'))
    const fault = `error: ${mistyped}:5:3: spec.replicas must be a whole number, not string\n`
    expect((await wherry(`apply -f ${mistyped}`)).err).toBe(fault)
    await said('apply -f -', { stdin: deployment(2) })
    expect((await wherry(`apply -f ${mistyped}`)).err).toBe(fault)
  })

  test('tells every cause of an invalid object', async () => {
    const file = await server.file('invalid.yaml', deployment(-1).replace('image: nginx:1', 'image: ""'))
    expect((await wherry(`apply -f ${file}`)).err).toBe(`The Deployment "web" is invalid: 
* spec.replicas: Invalid value: -1: must be greater than or equal to 0 (${file}:5:3)
* spec.template.spec.containers[0].image: Required value (${file}:12:11)
`)
  })

  test('bad YAML is told by line and column, before anything is done', async () => {
    await server.file('dir-good.yaml', configMap('good'))
    const bad = await server.file('broken.yaml', 'kind: ConfigMap\nmetadata:\n  name: a\n bad: b\n')
    const { code, out, err } = await wherry(`apply -f ${server.folder}/dir-good.yaml -f ${bad}`)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(new RegExp(`^error: ${bad}:4:\\d+: .*\\n$`))
  })

  test('a namespace that contradicts the flag, what is missing, what is not supported', async () => {
    const elsewhere = configMap('m').replace('{name: m}', '{name: m, namespace: elsewhere}')
    expect((await wherry('apply -f -', { stdin: elsewhere })).err).toBe(
      `error: STDIN:3:21: the namespace from the provided object "elsewhere" does not match the namespace "${ns}". You must pass '--namespace=elsewhere' to perform this operation.\n`,
    )
    expect((await wherry('apply')).err).toBe('error: must specify one of -f and -k\n')
    expect((await wherry('apply -f nowhere.yaml')).err).toBe('error: the path "nowhere.yaml" does not exist\n')
    expect((await wherry('apply -k .')).err).toMatch(/^error: kustomizations \(-k\) are not supported.*\n$/)
    expect((await wherry('apply -f - --dry-run=perhaps', { stdin: configMap('m') })).err).toBe(
      'error: Invalid dry-run value (perhaps). Must be "none", "server", or "client".\n',
    )
  })

  test('reads files from the web', async () => {
    const web = createServer((request, response) => {
      response.statusCode = request.url === '/m.yaml' ? 200 : 404
      response.end(configMap('m'))
    })
    await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
    expect(await said(`apply -f ${address}/m.yaml`)).toBe('configmap/m created\n')
    expect((await wherry(`apply -f ${address}/n.yaml`)).err).toBe(
      `error: unable to read URL "${address}/n.yaml", server reported 404 Not Found\n`,
    )
    web.closeAllConnections()
    await new Promise(resolve => web.close(resolve))
    expect((await wherry(`apply -f ${address}/m.yaml`)).err).toMatch(/^error: unable to read URL ".*": .*ECONNREFUSED.*\n$/)
  })

  test('warns about what was not made by apply, and takes it over', async () => {
    await said('create configmap m --from-literal=theirs=1')
    const { code, out, err } = await wherry('apply -f -', { stdin: configMap('m') })
    expect({ code, out }).toEqual({ code: 0, out: 'configmap/m configured\n' })
    expect(err).toMatch(/^Warning: resource configmaps\/m is missing the kubectl\.kubernetes\.io\/last-applied-configuration/)
    expect((await json('get cm m')).data).toEqual({ a: 'b', theirs: '1' })
    expect(await said('apply -f -', { stdin: configMap('m') })).toBe('configmap/m unchanged\n')
  })

  test.runIf(hasKubectl)('three-way merges come out as with the real kubectl', async () => {
    const theirs = `${ns}-real`
    await said(`create ns ${theirs}`)
    const before = await server.file('before.yaml', crowded.before)
    const after = await server.file('after.yaml', crowded.after)
    const others = `{"spec":{"template":{"spec":{"containers":[{"name":"injected","image":"q"},{"name":"main","env":[{"name":"THEIRS","value":"t"}]}]}}}}`
    await said(`apply -f ${before}`)
    await server.kubectl(`-n ${theirs} apply -f ${before}`)
    for (const namespace of [ns, theirs]) await said(`-n ${namespace} patch deploy web -p '${others}'`)
    expect(await said(`apply -f ${after}`)).toBe('deployment.apps/web configured\nservice/web configured\n')
    await server.kubectl(`-n ${theirs} apply -f ${after}`)
    for (const name of ['deploy/web', 'svc/web']) {
      const [ours, real] = [await json(`get ${name}`), await json(`-n ${theirs} get ${name}`)]
      const told = ({ metadata, spec }: typeof ours) => ({
        annotations: JSON.stringify(metadata.annotations).replaceAll(theirs, ns),
        labels: metadata.labels,
        finalizers: metadata.finalizers,
        spec: { ...spec, clusterIP: undefined, clusterIPs: undefined },
      })
      expect(told(ours)).toEqual(told(real))
    }
    for (const namespace of [ns, theirs]) {
      await said(`-n ${namespace} patch deploy web --type=merge -p '{"metadata":{"finalizers":null}}'`)
    }
  })

  test.runIf(hasKubectl)('the real kubectl reads what ours wrote, and ours what it wrote', async () => {
    const odd = configMap('odd', '{html: "<a>&</a>", line: "\\u2028", n: "1"}')
    const file = await server.file('both.yaml', [deployment(2), odd].join('---\n'))
    await said(`apply -f ${file}`)
    expect(await server.kubectl(`-n ${ns} apply -f ${file}`)).toEqual({
      code: 0,
      out: 'deployment.apps/web unchanged\nconfigmap/odd unchanged\n',
      err: '',
    })
    await server.file('both.yaml', [deployment(3), odd].join('---\n'))
    expect((await server.kubectl(`-n ${ns} apply -f ${file}`)).out).toBe(
      'deployment.apps/web configured\nconfigmap/odd unchanged\n',
    )
    expect(await said(`apply -f ${file}`)).toBe('deployment.apps/web unchanged\nconfigmap/odd unchanged\n')
  })
})

test('a server that is down is told in one line', async () => {
  const config = (await readFile(`${server.folder}/admin`, 'utf8')).replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1')
  const file = await server.file('down', config)
  expect(await server.wherry(`--kubeconfig=${file} apply -f -`, { stdin: configMap('m') })).toEqual({
    code: 1,
    out: '',
    err: 'The connection to the server 127.0.0.1:1 was refused - is the cluster running? Start it with: wherry up\n',
  })
})

describe('create', () => {
  test('from files, once', async () => {
    expect(await said('create -f -', { stdin: configMap('m') })).toBe('configmap/m created\n')
    expect((await wherry('create -f -', { stdin: configMap('m') })).err).toBe(
      'Error from server (AlreadyExists): error when creating "STDIN": configmaps "m" already exists\n',
    )
    const generated = configMap('x').replace('name: x', 'generateName: x-')
    expect(await said('create -f -', { stdin: generated })).toMatch(/^configmap\/x-[a-z0-9]{5} created\n$/)
  })

  test('from a few words', async () => {
    await server.file('settings.ini', 'a=1\n')
    await server.file('values.env', '# comment\nX=1\nHOME\n')
    expect(await said('create deployment web --image=example.org/team/nginx:1 --replicas=2 --port=80 -- serve -v')).toBe(
      'deployment.apps/web created\n',
    )
    const { spec, metadata } = await json('get deploy web')
    expect(metadata.labels).toEqual({ app: 'web' })
    expect(spec).toMatchObject({ replicas: 2, selector: { matchLabels: { app: 'web' } } })
    expect(spec.template.spec.containers[0]).toMatchObject({
      name: 'nginx',
      image: 'example.org/team/nginx:1',
      command: ['serve', '-v'],
      ports: [{ containerPort: 80 }],
    })
    const sources = `--from-literal=color=blue --from-file=${server.folder}/settings.ini --from-file=k=${server.folder}/settings.ini --from-env-file=${server.folder}/values.env`
    expect(await said(`create configmap m ${sources}`, { env: { HOME: '/home/me' } })).toBe('configmap/m created\n')
    expect((await json('get cm m')).data).toEqual({
      color: 'blue',
      'settings.ini': 'a=1\n',
      k: 'a=1\n',
      X: '1',
      HOME: '/home/me',
    })
    expect(await said('create secret generic s --from-literal=a=b')).toBe('secret/s created\n')
    expect((await json('get secret s')).data).toEqual({ a: 'Yg==' })
    expect(await said('create sa bob')).toBe('serviceaccount/bob created\n')
    expect(await said('create token bob --duration=10m')).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+\n$/)
    expect(await said('create role r --verb=get,list --resource=pods,deployments.apps/scale')).toMatch(/^role.*\/r created\n$/)
    expect((await json('get role r')).rules).toEqual([
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get', 'list'] },
    ])
    expect(await said(`create rolebinding b --role=r --serviceaccount=${ns}:bob --user=ann`)).toMatch(/^role.*\/b created\n$/)
  })

  test.each([
    ['create deployment web', 'error: required flag(s) "image" not set\n'],
    ['create configmap m --from-literal=ab', 'error: invalid literal source ab, expected key=value\n'],
    ['create deploymnt web --image=x', 'error: cannot create "deploymnt" without a file (did you mean "deployment"?)\n'],
    ['create secret s', 'error: which kind of secret? wherry create --help lists them\n'],
    ['create ns', 'error: exactly one NAME is required, got 0\n'],
    ['create token nobody', 'Error from server (NotFound): serviceaccounts "nobody" not found\n'],
  ])('%s is refused', async (line, err) => {
    expect(await wherry(line)).toEqual({ code: 1, out: '', err })
  })

  test('nothing is made in a dry run', async () => {
    expect(await said('create configmap m --from-literal=a=b --dry-run=client -o yaml')).toBe(
      `apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: m\n  namespace: ${ns}\n`,
    )
    expect(await said('create configmap m --dry-run=server')).toBe('configmap/m created (server dry run)\n')
    expect((await wherry('get cm m')).err).toContain('not found')
  })
})

describe('delete', () => {
  test('by name, by selector, all, from a file; what is not there is an error unless one does not mind', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await said(`create configmap ${name}`)
    await said('label cm b c pick=me')
    const { code, out, err } = await wherry('delete cm a nope')
    expect({ code, out, err }).toEqual({
      code: 1,
      out: 'configmap "a" deleted\n',
      err: 'Error from server (NotFound): configmaps "nope" not found\n',
    })
    expect(await said('delete cm/nope --ignore-not-found')).toBe('')
    expect(await said('delete cm -l pick=me')).toBe('configmap "b" deleted\nconfigmap "c" deleted\n')
    expect(await said('delete -f -', { stdin: configMap('d') })).toBe('configmap "d" deleted\n')
    expect(await said('delete cm --all -o name')).toBe('configmap/e\n')
    expect(await said('delete cm --all')).toBe('No resources found\n')
    expect((await wherry('delete -f -', { stdin: configMap('d') })).err).toBe(
      'Error from server (NotFound): error when deleting "STDIN": configmaps "d" not found\n',
    )
  })

  test('a dry run deletes nothing', async () => {
    await said('create configmap m')
    expect(await said('delete cm m --dry-run=client')).toBe('configmap "m" deleted (dry run)\n')
    expect(await said('delete cm m --dry-run=server')).toBe('configmap "m" deleted (server dry run)\n')
    expect(await said('get cm m -o name')).toBe('configmap/m\n')
  })

  test('waits until all have gone, or for as long as it may', async () => {
    const held = configMap('held').replace('{name: held}', '{name: held, finalizers: [example.org/hold]}')
    await said('apply -f -', { stdin: held })
    expect(await wherry('delete cm held --timeout=100ms')).toEqual({
      code: 1,
      out: 'configmap "held" deleted\n',
      err: 'error: timed out waiting for the condition on configmaps/held\n',
    })
    expect(await said('delete cm held --wait=false')).toBe('configmap "held" deleted\n')
    let isOver = false
    const waiting = wherry('delete cm held').then(outcome => {
      isOver = true
      return outcome
    })
    await said(`patch cm held --type=merge -p '{"metadata":{"labels":{"still":"here"}}}'`)
    expect(isOver).toBe(false)
    await said(`patch cm held --type=json -p '[{"op":"remove","path":"/metadata/finalizers"}]'`)
    expect(await waiting).toEqual({ code: 0, out: 'configmap "held" deleted\n', err: '' })
  })

  test('deletes with the grace and cascade that are asked for', async () => {
    await said('run p --image=x')
    const transport = server.transport()
    const pod = { group: '', version: 'v1', resource: 'pods', namespace: ns, name: 'p' }
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } }
    await transport.call({ ...pod, verb: 'create', subresource: 'binding', body: binding })
    await said('delete pod p --wait=false --grace-period=77')
    expect((await json('get pod p')).metadata.deletionGracePeriodSeconds).toBe(77)
    await said('delete pod p --wait=false --now')
    expect((await json('get pod p')).metadata.deletionGracePeriodSeconds).toBe(1)
    const { code, out, err } = await wherry('delete pod p --force')
    expect({ code, out }).toEqual({ code: 0, out: 'pod "p" force deleted\n' })
    expect(err).toMatch(/^Warning: Immediate deletion does not wait/)
    await said('create deployment web --image=x')
    await said('delete deploy web --cascade=foreground --wait=false')
    expect((await json('get deploy web')).metadata.finalizers).toEqual(['foregroundDeletion'])
  })

  test.each([
    ['delete cm', 'error: resource(s) were provided, but no name was specified\n'],
    ['delete cm x --all', 'error: name cannot be provided when a selector is specified\n'],
    ['delete pod x --cascade=foo', 'error: invalid cascade value (foo). Must be "background", "foreground", or "orphan"\n'],
    ['delete pod x --now --grace-period=3', 'error: --now and --grace-period cannot be specified together\n'],
    ['delete pod x -o yaml', "error: unexpected -o output mode: yaml. We only support '-o name'\n"],
  ])('%s is refused', async (line, err) => {
    expect(await wherry(line)).toEqual({ code: 1, out: '', err })
  })
})

describe('changes in place', () => {
  beforeEach(() => said('apply -f -', { stdin: deployment(2) }))

  test('patch', async () => {
    expect(await said(`patch deploy web -p '{"spec":{"replicas":3}}'`)).toBe('deployment.apps/web patched\n')
    expect(await said(`patch deploy web -p 'spec: {replicas: 3}'`)).toBe('deployment.apps/web patched (no change)\n')
    const named = '{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"new"},{"name":"side","image":"x"}]}}}}'
    await said(`patch deploy web -p '${named}'`)
    const list = `patch deploy web --type=json -p '[{"op":"test","path":"/spec/replicas","value":3},{"op":"remove","path":"/metadata/labels/app"}]'`
    await said(list)
    const { spec, metadata } = await json('get deploy web')
    expect(spec.template.spec.containers.map(({ image }: { image: string }) => image)).toEqual(['new', 'x'])
    expect(metadata.labels).toBeUndefined()
    const file = await server.file('patch.yaml', 'spec:\n  replicas: 5\n')
    expect(await said(`patch deploy/web --subresource=scale --type=merge --patch-file ${file}`)).toContain('patched')
    expect((await json('get deploy web')).spec.replicas).toBe(5)
    expect(await said(`patch deploy web -p '{"spec":{"replicas":9}}' --dry-run=server -o jsonpath={.spec.replicas}`)).toBe('9')
    expect((await json('get deploy web')).spec.replicas).toBe(5)
    expect((await wherry('patch deploy web --type=json -p {}')).err).toBe(
      'error: the patch: a json patch must be a list of operations, not {}\n',
    )
    expect((await wherry('patch deploy web -p {')).err).toMatch(/^error: the patch:1:2: /)
  })

  test('scale', async () => {
    expect(await said('scale deploy web --replicas=3')).toBe('deployment.apps/web scaled\n')
    expect((await wherry('scale deploy/web --replicas=1 --current-replicas=9')).err).toBe(
      'error: Expected replicas to be 9, was 3\n',
    )
    expect(await said('scale deploy/web --replicas=4 --current-replicas=3')).toBe('deployment.apps/web scaled\n')
    expect(await said('scale deploy/web --replicas=7 --dry-run=server')).toBe('deployment.apps/web scaled (server dry run)\n')
    expect((await json('get deploy web')).spec.replicas).toBe(4)
    expect((await wherry('scale cm/x --replicas=1')).err).toBe('error: configmaps cannot be scaled\n')
    expect(await wherry('scale deploy/web deploy/nope --replicas=2')).toEqual({
      code: 1,
      out: 'deployment.apps/web scaled\n',
      err: 'Error from server (NotFound): deployments.apps "nope" not found\n',
    })
  })

  test('set image, env, resources, serviceaccount', async () => {
    await said('create configmap m --from-literal=color=blue --from-literal=size.x=1')
    expect(await said('set image deploy/web main=nginx:2')).toBe('deployment.apps/web image updated\n')
    expect(await said('set image deploy/web main=nginx:2')).toBe('')
    expect(await said('set image deploy web *=nginx:3')).toBe('deployment.apps/web image updated\n')
    expect((await wherry('set image deploy/web nope=x')).err).toBe('error: unable to find container named "nope"\n')
    expect(await said('set env deploy/web A=1 B=2')).toBe('deployment.apps/web env updated\n')
    expect(await said('set env deploy/web A- --from=configmap/m --prefix=M_')).toBe('deployment.apps/web env updated\n')
    expect(await said('set env deploy/web --list')).toBe(
      '# Deployment web, container main\nB=2\n# M_COLOR from configmap m, key color\n# M_SIZE_X from configmap m, key size.x\n',
    )
    expect(await said('set resources deploy/web --limits=cpu=1,memory=1Gi --requests=cpu=100m')).toBe(
      'deployment.apps/web resource requirements updated\n',
    )
    expect(await said('set serviceaccount deploy web default')).toBe('deployment.apps/web serviceaccount updated\n')
    const { spec } = (await json('get deploy web')).spec.template
    expect(spec.serviceAccountName).toBe('default')
    expect(spec.containers[0]).toMatchObject({
      image: 'nginx:3',
      resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m' } },
    })
  })

  test('label and annotate', async () => {
    expect(await said('label deploy web a=b')).toBe('deployment.apps/web labeled\n')
    expect(await said('label deploy web a=b')).toBe('deployment.apps/web not labeled\n')
    expect((await wherry('label deploy web a=c')).err).toBe("error: 'a' already has a value (b), and --overwrite is false\n")
    expect(await said('label deploy web a=longer --overwrite')).toBe('deployment.apps/web labeled\n')
    expect(await said('label deploy web a=c --overwrite')).toBe('deployment.apps/web labeled\n')
    expect(await said('label deploy --all a- nope-')).toBe('label "nope" not found.\ndeployment.apps/web unlabeled\n')
    expect(await said('label deploy web --list')).toBe('app=web\n')
    expect((await wherry('label deploy web')).err).toBe('error: at least one label update is required\n')
    expect((await wherry('label deploy a=b')).err).toBe('error: resource(s) were provided, but no name was specified\n')
    expect((await wherry('label deploy a=b web')).err).toBe('error: all resources must be specified before label changes: web\n')
    expect(await said('annotate deploy web note=x')).toBe('deployment.apps/web annotated\n')
    expect((await wherry('annotate deploy web note=y')).err).toBe(
      "error: --overwrite is false but found the following declared annotation(s): 'note' already has a value (x)\n",
    )
    expect(await said('annotate deploy web note- more=1')).toBe('deployment.apps/web annotated\n')
    const { annotations } = (await json('get deploy web')).metadata
    expect(annotations).toMatchObject({ more: '1' })
    expect(annotations).not.toHaveProperty('note')
  })

  test('replace, and replace by force', async () => {
    expect(await said('replace -f -', { stdin: deployment(5) })).toBe('deployment.apps/web replaced\n')
    const { metadata } = await json('get deploy web')
    expect(metadata.annotations).toBeUndefined()
    expect(await said('replace --force -f -', { stdin: deployment(6) })).toBe(
      'deployment.apps "web" deleted\ndeployment.apps/web replaced\n',
    )
    const anew = await json('get deploy web')
    expect(anew.metadata.uid).not.toBe(metadata.uid)
    expect(anew.spec.replicas).toBe(6)
    expect((await wherry('replace -f -', { stdin: configMap('nope') })).err).toBe(
      'Error from server (NotFound): error when replacing "STDIN": configmaps "nope" not found\n',
    )
  })

  test('diff ends with 0 when nothing would change, 1 when something would, 2 when that cannot be said', async () => {
    expect(await wherry('diff -f -', { stdin: deployment(2) })).toEqual({ code: 0, out: '', err: '' })
    const { code, out } = await wherry('diff -f -', { stdin: deployment(3) })
    expect(code).toBe(1)
    expect(out.split('\n').filter(line => /^[-+] /.test(line))).toEqual([
      '-  generation: 1',
      '+  generation: 2',
      '-  replicas: 2',
      '+  replicas: 3',
    ])
    const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {word: sesame}\n'
    const hidden = await wherry('diff -f -', { stdin: secret })
    expect(hidden.code).toBe(1)
    expect(hidden.out).not.toMatch(/sesame|c2VzYW1l/)
    expect(await wherry('diff -f nowhere.yaml')).toMatchObject({ code: 2 })
    expect((await wherry('get secret s')).code).toBe(1)
  })

  test('edit sends what was changed, and asks again when it was wrong', async () => {
    const editor = (script: string) => ({ env: { KUBE_EDITOR: `f() { ${script}; }; f` } })
    expect(await wherry('edit deploy web', editor('sed -i "s/replicas: 2/replicas: 4/" "$1"'))).toEqual({
      code: 0,
      out: 'deployment.apps/web edited\n',
      err: '',
    })
    expect((await json('get deploy web')).spec.replicas).toBe(4)
    expect(await wherry('edit deploy web', editor('true'))).toEqual({
      code: 0,
      out: '',
      err: 'Edit cancelled, no changes made.\n',
    })
    expect(await wherry('edit deploy web', editor(': > "$1"'))).toMatchObject({
      code: 0,
      err: 'Edit cancelled, saved file was empty.\n',
    })
    expect(await wherry('edit deploy web', editor('sed -i "/app: web/d" "$1"'))).toMatchObject({ code: 1 })

    // The first attempt misspells, the second one finds the complaint in the file and puts it right.
    const twice = `cp "$1" ${server.folder}/seen; if grep -q "did you mean" "$1"; then sed -i "s/replcas: 5/replicas: 5/" "$1"; else sed -i "s/replicas: 4/replcas: 5/" "$1"; fi`
    const { code, out, err } = await wherry('edit deploy web', editor(twice))
    expect({ code, out }).toEqual({ code: 0, out: 'deployment.apps/web edited\n' })
    expect(err).toContain('unknown field "spec.replcas" (did you mean "replicas"?)')
    expect(await readFile(`${server.folder}/seen`, 'utf8')).toMatch(/^# .*\n(#.*\n)*# error: .*unknown field "spec.replcas"/)
    expect((await json('get deploy web')).spec.replicas).toBe(5)

    const given = await wherry('edit deploy web', editor('sed -i "s/replicas: 5/replicas: -5/" "$1"'))
    expect(given.code).toBe(1)
    const told =
      /^error: .*Edit cancelled, no valid changes were saved\.\nA copy of your changes has been stored to "(.*)\/web\.yaml"\n$/m
    const [, folder = ''] = told.exec(given.err) ?? []
    expect(await readFile(`${folder}/web.yaml`, 'utf8')).toContain('replicas: -5')
    await rm(folder, { recursive: true })
  })
})

test('run makes a pod', async () => {
  expect(await said('run job --image=busybox --restart=Never --env=A=b --labels=x=y,z=w --port=80 --command -- sh -c true')).toBe(
    'pod/job created\n',
  )
  const { metadata, spec } = await json('get pod job')
  expect(metadata.labels).toEqual({ x: 'y', z: 'w' })
  expect(spec.restartPolicy).toBe('Never')
  expect(spec.containers[0]).toMatchObject({
    name: 'job',
    image: 'busybox',
    command: ['sh', '-c', 'true'],
    env: [{ name: 'A', value: 'b' }],
    ports: [{ containerPort: 80 }],
  })
  expect((await wherry('run job')).err).toBe('error: required flag(s) "image" not set\n')
})

describe('nodes', () => {
  const node = (name: string) => `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\n`
  const podOn = (name: string, extra = '') =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}${extra}}\nspec: {nodeName: ${ns}, terminationGracePeriodSeconds: 0, containers: [{name: c, image: x}]}\n`
  const owned = (kind: string) =>
    `, ownerReferences: [{apiVersion: apps/v1, kind: ${kind}, name: o, uid: 6f0c1d1e-0000-4000-8000-000000000000, controller: true}]`

  beforeEach(() => said('create -f -', { stdin: node(ns) }))

  test('taint', async () => {
    // A fresh node is not ready and says so with a taint of its own.
    const taints = async () =>
      ((await json(`get node ${ns}`)).spec.taints ?? []).filter(
        ({ key }: { key: string }) => !key.startsWith('node.kubernetes.io/'),
      )
    expect(await said(`taint nodes ${ns} a=b:NoSchedule`)).toBe(`node/${ns} tainted\n`)
    expect((await wherry(`taint nodes ${ns} a=c:NoSchedule`)).err).toMatch(/already has a:NoSchedule taint\(s\) with same effect/)
    expect(await said(`taint nodes ${ns} a=c:NoSchedule --overwrite`)).toBe(`node/${ns} modified\n`)
    expect(await said(`taint nodes ${ns} x:NoExecute a:NoSchedule-`)).toBe(`node/${ns} modified\n`)
    expect(await taints()).toEqual([{ key: 'x', effect: 'NoExecute' }])
    expect(await said(`taint node ${ns} x-`)).toBe(`node/${ns} untainted\n`)
    expect((await wherry(`taint node ${ns} x-`)).err).toBe('error: taint "x" not found\n')
    expect((await wherry('taint pods p a=b:NoSchedule')).err).toBe(
      'error: invalid resource type pods, only node types are supported\n',
    )
    expect(await taints()).toEqual([])
  })

  test('cordon and uncordon', async () => {
    expect(await said(`cordon ${ns}`)).toBe(`node/${ns} cordoned\n`)
    expect(await said(`cordon ${ns}`)).toBe(`node/${ns} already cordoned\n`)
    expect((await json(`get node ${ns}`)).spec.unschedulable).toBe(true)
    expect(await said(`uncordon node/${ns}`)).toBe(`node/${ns} uncordoned\n`)
    expect(await wherry(`cordon ${ns} nope`)).toEqual({
      code: 1,
      out: '',
      err: 'Error from server (NotFound): nodes "nope" not found\n',
    })
  })

  test('drain moves what may be moved, and says what stands against it', async () => {
    const pods = [
      podOn('naked'),
      podOn('owned', owned('ReplicaSet')),
      podOn('mirror', ', annotations: {kubernetes.io/config.mirror: x}'),
    ]
    await said('create -f -', { stdin: pods.join('---\n') })
    const refused = await wherry(`drain ${ns}`)
    expect(refused).toEqual({
      code: 1,
      out: `node/${ns} cordoned\n`,
      err: `error: unable to drain node "${ns}" due to error: cannot delete Pods that declare no controller (use --force to override): ${ns}/naked
There are pending nodes to be drained:
 ${ns}
`,
    })
    expect((await wherry(`drain ${ns} --force --dry-run=client`)).out).toBe(`node/${ns} already cordoned (dry run)
evicting pod ${ns}/naked (dry run)
evicting pod ${ns}/owned (dry run)
node/${ns} drained (dry run)
`)
    const { code, out, err } = await wherry(`drain ${ns} --force`)
    expect(err).toBe(`Warning: deleting Pods that declare no controller: ${ns}/naked\n`)
    expect(code).toBe(0)
    expect(out.split('\n').sort()).toEqual(
      [
        '',
        `node/${ns} already cordoned`,
        `evicting pod ${ns}/naked`,
        `evicting pod ${ns}/owned`,
        'pod/naked evicted',
        'pod/owned evicted',
        `node/${ns} drained`,
      ].sort(),
    )
    expect(await said('get pods -o name')).toBe('pod/mirror\n')
  })
})
