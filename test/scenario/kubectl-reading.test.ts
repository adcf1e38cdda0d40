import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kinds } from '../../api/kinds.ts'
import type { NodeAgent } from '../../api/node-agent.ts'
import type { KubeObject } from '../../api/transport.ts'
import { deployment } from '../../controllers/deployment/controller.ts'
import { namespace } from '../../controllers/namespace/controller.ts'
import { replicaSet } from '../../controllers/replicaset/controller.ts'
import { serviceAccount } from '../../controllers/service-account/service-account.ts'
import { systemClock } from '../../lib/clock.ts'
import { eventually } from '../support/eventually.ts'
import { hasKubectl, startServer, type TestServer } from '../support/server.ts'

if (!hasKubectl) test('kubectl is not on the PATH: nothing was compared with it', () => expect(hasKubectl).toBe(false))

const bytes = (text: string) => Buffer.from(text)

/** A kubelet that says what it was asked, and whose commands end with the code that they name. */
const agent: NodeAgent = {
  async *logs({ name, container }, { follow, tailLines, previous }, signal) {
    if (previous) return yield bytes('from before\n')
    for (const line of ['one', 'two'].slice(tailLines === undefined ? 0 : -tailLines))
      yield bytes(`${line} of ${name}/${container}\n`)
    if (!follow) return
    await systemClock.sleep(20, signal)
    yield bytes('and more\n')
  },
  async exec(_target, { command, stdin }) {
    const taken: Uint8Array[] = []
    let end: () => void = () => {}
    const ended = new Promise<void>(resolve => {
      end = resolve
    })
    if (!stdin) end()
    return {
      stdout: (async function* () {
        await ended
        yield taken.length > 0 ? Buffer.concat(taken) : bytes(`${command.join(' ')}\n`)
      })(),
      stderr: (async function* () {})(),
      write: async chunk => void taken.push(chunk),
      closeStdin: () => end(),
      resize: () => {},
      done: ended.then(() => ({ exitCode: command[0] === 'exit' ? Number(command[1]) : 0 })),
      close: () => end(),
    }
  },
  attach: (target, options) => agent.exec(target, { ...options, command: ['attached'] }),
}

const manifests = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web, tier: front}}
spec:
  nodeName: n1
  volumes: [{name: tmp, emptyDir: {}}, {name: conf, configMap: {name: conf}}]
  initContainers: [{name: setup, image: busybox}]
  containers:
    - name: main
      image: nginx
      args: [run]
      ports: [{containerPort: 80}]
      env: [{name: A, value: b}, {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
      resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
      livenessProbe: {tcpSocket: {port: 80}}
      volumeMounts: [{name: tmp, mountPath: /tmp}, {name: conf, mountPath: /conf, readOnly: true}]
    - {name: side, image: busybox}
---
apiVersion: v1
kind: Pod
metadata: {name: idle, labels: {app: idle}}
spec: {containers: [{name: c, image: busybox}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, annotations: {note: "two\\nlines"}}
spec: {selector: {app: web}, type: NodePort, ports: [{name: http, port: 80, targetPort: http}, {name: other, port: 81}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {a: b}
---
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {password: secret}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: vol}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  local: {path: /data}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: [b, c]}]}]}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: claim}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {taints: [{key: a, value: b, effect: NoSchedule}]}
---
apiVersion: v1
kind: Event
metadata: {name: e1}
involvedObject: {kind: Pod, namespace: default, name: idle, apiVersion: v1}
type: Warning
reason: Late
message: it is late
count: 3
firstTimestamp: 2020-01-01T00:00:00Z
lastTimestamp: 2020-02-01T00:00:00Z
source: {component: tester}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: dep}
spec:
  replicas: 2
  selector: {matchLabels: {app: dep}}
  template:
    metadata: {labels: {app: dep}}
    spec: {nodeName: n1, containers: [{name: main, image: 'nginx:1'}]}
`

let server: TestServer
const wherry: TestServer['wherry'] = (...args) => server.wherry(...args)

/** What a command printed; it must have gone well, and without complaint. */
async function said(line: string): Promise<string> {
  const { code, out, err } = await wherry(line)
  expect({ line, code, err }).toEqual({ line, code: 0, err: '' })
  return out
}

/** Does what a kubelet would: every pod of a deployment becomes ready. */
async function makeReady(label: string): Promise<void> {
  const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' }
  const list = (await server.transport().call({ ...pods, verb: 'list', options: { labelSelector: label } })) as {
    items: KubeObject[]
  }
  for (const { metadata } of list.items) {
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], podIP: '10.0.0.1' }
    const call = {
      ...pods,
      verb: 'patch',
      name: metadata.name,
      subresource: 'status',
      patchType: 'strategic',
      body: { status },
    } as const
    await server.transport().call(call)
  }
}

beforeAll(async () => {
  const controllers = [serviceAccount, namespace(kinds), deployment, replicaSet]
  server = await startServer({ nodeAgents: name => (name === 'n1' ? agent : undefined), controllers })
  const { code, err } = await wherry(['apply', '-f', await server.file('all.yaml', manifests)])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const amounts = { cpu: '2', memory: '1Gi', pods: '110' }
  const node = { group: '', version: 'v1', resource: 'nodes', name: 'n1', subresource: 'status' }
  const body = { status: { capacity: amounts, allocatable: amounts } }
  await server.transport().call({ ...node, verb: 'patch', patchType: 'strategic', body })
  await eventually(async () => expect((await said('get pods -l app=dep -o name')).split('\n')).toHaveLength(3))
})
afterAll(() => server[Symbol.asyncDispose]())

/** Without what changes from one second to the next. */
const timeless = (text: string) =>
  text
    .replace(/\b(\d+[ms])+\b( *)/g, 'T ')
    // kubectl 1.32 forgets the value and calls it by another name; later ones do not.
    .replace(/(ConfigMap)?Optional: +(<nil>|false)$/gm, 'Optional')

describe.runIf(hasKubectl)('says what kubectl says', () => {
  test.each([
    'get pods',
    'get pods -o wide',
    'get all',
    'get pods,svc -A',
    'get pods --show-labels',
    'get pods --no-headers',
    'get pods -l tier=front',
    'get pods --sort-by=.metadata.name',
    'get pods -o name',
    'get pod web -o json',
    'get pod/web svc/web -o name',
    'get pods -o jsonpath=\'{range .items[*]}{.metadata.name}{"\\n"}{end}\'',
    'get pods -o custom-columns=NAME:.metadata.name,NODE:.spec.nodeName',
    'get cm conf -o yaml',
    'get nothing',
    'get pod nope',
    'get pods web nope',
    'get pod nope --ignore-not-found',
    'get pods -l app=none',
    'get nodes -l app=none',
    'get pods -n empty',
    'describe pod idle',
    'describe deployment dep',
    'describe replicaset',
    'describe node n1',
    'describe service web',
    'describe cm conf',
    'describe secret token',
    'describe namespace default',
    'describe sa default',
    'describe pv vol',
    'describe pvc claim',
    'describe storageclass standard',
    'describe clusterrole system:kube-scheduler',
    'describe clusterrolebinding cluster-admin',
    'describe pod nope',
    'logs web -c main',
    'logs web --tail=1',
    'logs web -c nope',
    'logs nope',
    'logs web --previous',
    'exec web -- ls -l',
    'exec web',
    'rollout history deployment/dep',
    'rollout undo deployment/dep --to-revision=9',
    'rollout status deployment/nope',
    'wait --for=condition=Ready pod/idle --timeout=0',
    'wait --for=jsonpath={.spec.nodeName}=n1 pod/web',
    'wait --for=delete pod/nope',
    'wait --for=nonsense pod/web',
    'events --for pod/idle',
    'events -n empty',
    'explain pod',
    'explain deployment.spec.strategy',
    'explain pod.spec.containers --recursive',
    'explain service.spec.ports.protocol',
    'api-resources',
    'api-resources -o name --namespaced=false',
    'api-versions',
    'config current-context',
  ])('%s', async line => {
    const [ours, theirs] = await Promise.all([wherry(line), server.kubectl(line)])
    const tidy = ({ code, out, err }: typeof ours) => ({ code, out: timeless(out), err: timeless(err) })
    expect(tidy(ours)).toEqual(tidy(theirs))
  })
})

describe('watching', () => {
  test('get -w shows what there is, then what changes, until it is interrupted', async () => {
    const interrupt = new AbortController()
    let out = ''
    const io = { out: (text: string) => void (out += text) }
    const watching = wherry('get configmaps -w --output-watch-events', { signal: interrupt.signal, io })
    await eventually(() => expect(out).toMatch(/EVENT +NAME[^]*ADDED +conf +1/))
    await said('create configmap watched --from-literal=a=b')
    await said('delete configmap watched')
    await eventually(() => expect(out).toMatch(/ADDED +watched[^]*DELETED +watched/))
    interrupt.abort()
    expect((await watching).code).toBe(130)
  })

  test('events -w shows new ones', async () => {
    const interrupt = new AbortController()
    let out = ''
    const watching = wherry('events -w --for pod/idle', { signal: interrupt.signal, io: { out: text => void (out += text) } })
    await eventually(() => expect(out).toContain('it is late'))
    const more = { kind: 'Pod', namespace: 'default', name: 'idle', apiVersion: 'v1' }
    const body = { metadata: { name: 'e2' }, involvedObject: more, reason: 'Later', message: 'later still' }
    await server.transport().call({ verb: 'create', group: '', version: 'v1', resource: 'events', namespace: 'default', body })
    await eventually(() => expect(out).toContain('later still'))
    interrupt.abort()
    expect((await watching).code).toBe(130)
    expect(await said('events --types=Warning')).not.toContain('later still')
  })
})

describe('logs and exec', () => {
  test('logs of several are told apart', async () => {
    expect(await said('logs web --all-containers --prefix --tail=1')).toBe(
      ['setup', 'main', 'side'].map(name => `[pod/web/${name}] two of web/${name}\n`).join(''),
    )
    expect((await said('logs -l app=dep --prefix --tail=1')).match(/^\[pod\/dep-\S+\/main\] two of dep-/gm)).toHaveLength(2)
    expect(await said('logs -f web -c side')).toBe('one of web/side\ntwo of web/side\nand more\n')
    const { err } = await wherry('logs deployment/dep')
    expect(err).toMatch(/^Found 2 pods, using pod\/dep-/)
  })

  test('a command gets its input and gives its exit code', async () => {
    expect(await wherry('exec -i web -c main -- cat', { stdin: 'from here' })).toMatchObject({ code: 0, out: 'from here' })
    const failed = await wherry('exec web -c main -- exit 7')
    expect(failed).toMatchObject({ code: 7, err: 'command terminated with exit code 7\n' })
    expect(await wherry('exec web ls')).toMatchObject({
      code: 1,
      err: expect.stringContaining('exec [POD] [COMMAND] is not supported'),
    })
  })
})

test('a rollout is followed, paused, resumed, repeated and taken back', async () => {
  const isThrough = 'deployment "dep" successfully rolled out\n'
  const follow = async () => {
    const following = said('rollout status deploy/dep --timeout=20s')
    const done = new AbortController()
    void following.finally(() => done.abort())
    while (!done.signal.aborted) {
      await makeReady('app=dep')
      await systemClock.sleep(10, done.signal)
    }
    return following
  }
  expect(await follow()).toMatch(new RegExp(`${isThrough}$`))
  await said('set image deploy/dep main=nginx:2')
  expect(await said('rollout status deploy/dep --watch=false')).toMatch(/^Waiting for deployment/)
  expect(await follow()).toContain(isThrough)
  expect(await said('rollout history deploy/dep')).toBe(
    'deployment.apps/dep \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n',
  )
  expect(await said('rollout history deploy/dep --revision=1')).toMatch(/revision #1\nPod Template:[^]*nginx:1/)

  expect(await said('rollout pause deploy/dep')).toBe('deployment.apps/dep paused\n')
  expect(await wherry('rollout pause deploy/dep')).toMatchObject({
    code: 1,
    err: 'error: deployments.apps "dep" is already paused\n',
  })
  expect(await wherry('rollout undo deploy/dep')).toMatchObject({
    code: 1,
    err: expect.stringContaining('cannot rollback a paused'),
  })
  expect(await said('rollout resume deploy/dep')).toBe('deployment.apps/dep resumed\n')

  expect(await said('rollout undo deploy/dep')).toBe('deployment.apps/dep rolled back\n')
  expect(await follow()).toContain(isThrough)
  expect(await said('get deploy dep -o jsonpath={.spec.template.spec.containers[0].image}')).toBe('nginx:1')
  expect(await said('rollout undo deploy/dep --to-revision=3')).toContain('skipped rollback')
  expect(await said('rollout restart deploy/dep')).toBe('deployment.apps/dep restarted\n')
  expect(await wherry('rollout status deploy/dep --timeout=1ms')).toMatchObject({
    code: 1,
    err: 'error: timed out waiting for the condition\n',
  })

  let screen = ''
  const io = {
    isTerminal: true,
    columns: 100,
    env: { NO_COLOR: '1', KUBECONFIG: `${server.folder}/admin` },
    out: (text: string) => void (screen += text),
  }
  const drawing = wherry('rollout status deploy/dep --timeout=20s', { io })
  await follow()
  expect((await drawing).code).toBe(0)
  expect(screen).toMatch(
    /new dep-\S+ rev 4 .*2\/2 available\n.*2 wanted; at most 3 at a time[^\n]*\ndeployment "dep" successfully rolled out\n$/,
  )
})

describe('waiting', () => {
  test('for what is to come, to be and to go', async () => {
    const comes = said('wait --for=create configmap/awaited --timeout=20s')
    await said('create configmap awaited --from-literal=a=b')
    expect(await comes).toBe('configmap/awaited condition met\n')
    const changes = said("wait --for=jsonpath='{.data.a}'=c configmap/awaited --timeout=20s")
    await said(`patch configmap awaited -p '{"data":{"a":"c"}}'`)
    expect(await changes).toBe('configmap/awaited condition met\n')
    await said(`patch configmap awaited -p '{"metadata":{"finalizers":["a.b/c"]}}'`)
    await said('delete configmap awaited --wait=false')
    const goes = said('wait --for=delete configmap/awaited --timeout=20s')
    await wherry('wait --for=delete configmap/awaited --timeout=100ms')
    await said(`patch configmap awaited -p '{"metadata":{"finalizers":null}}'`)
    expect(await goes).toBe('configmap/awaited condition met\n')
  })

  test('no longer than allowed, for each of several', async () => {
    const { code, out, err } = await wherry('wait --for=jsonpath={.metadata.name}=web pods web idle --timeout=50ms')
    expect({ code, out, err }).toEqual({
      code: 1,
      out: 'pod/web condition met\n',
      err: 'error: timed out waiting for the condition on pods/idle\n',
    })
  })
})

describe('why', () => {
  test('leads from what the user did to the pod', async () => {
    await said('create deployment fresh --image=nginx')
    const name = await eventually(async () => {
      const [first] = (await said('get pods -l app=fresh -o name')).split('\n')
      expect(first).toMatch(/^pod\/fresh-/)
      return first ?? ''
    })
    const story = await said(`why ${name}`)
    expect(story).toMatch(/^ *0 ms {2}kube\S+ creates deployment\.apps\/fresh @\d+\n/)
    expect(story).toMatch(/└─ deployment-controller creates replicaset\.apps\/fresh-\S+ @\d+ {2}deployment\/new-set: /)
    expect(story).toMatch(/ {3}└─ replicaset-controller creates pod\/fresh-\S+ @\d+/)
    const { steps } = JSON.parse(await said(`why ${name} -o json`))
    expect(steps[1].because).toBe(steps[0].revision)
  })

  test('of a deployment names its pods, of what is gone still knows, of what never was says so', async () => {
    expect(await said('why deploy/dep')).toMatch(/Its pods have their own stories:\n {2}wherry why pod\/dep-/)
    await said('create configmap shortlived --from-literal=a=b')
    await said('delete configmap shortlived')
    expect(await said('why cm/shortlived')).toMatch(/creates configmap\/shortlived[^]*deletes configmap\/shortlived[^]*is gone/)
    expect(await wherry('why pod/never')).toMatchObject({
      code: 1,
      err: 'Error from server (NotFound): pods "never" not found\n',
    })
  })

  test('of a claim that waits tells the last warning', async () => {
    const create = (resource: string, body: object) =>
      server.transport().call({ verb: 'create', group: '', version: 'v1', resource, namespace: 'default', body })
    const resources = { requests: { storage: '1Gi' } }
    const spec = { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources }
    const claim = (await create('persistentvolumeclaims', { metadata: { name: 'waits' }, spec })) as KubeObject
    expect(await said('why pvc/waits')).toMatch(/\n\nIt is not bound\.\n$/)
    const { name, namespace, uid } = claim.metadata
    const involvedObject = { kind: 'PersistentVolumeClaim', name, namespace, uid }
    const warning = { involvedObject, type: 'Warning', firstTimestamp: '2020-01-01T00:00:00Z' }
    await create('events', { metadata: { name: 'claim-1' }, ...warning, reason: 'ProvisioningFailed', message: 'no class' })
    const later = { lastTimestamp: '2020-01-02T00:00:00Z', reason: 'BackOff', message: 'says nothing new' }
    await create('events', { metadata: { name: 'claim-2' }, ...warning, ...later })
    expect(await said('why pvc/waits')).toMatch(/\nThe last warning: ProvisioningFailed: no class\n$/)
  })

  test('of a pod that no node takes gives the verdict', async () => {
    const data = {
      nodes: [{ count: 1, nodes: ['n1'], reason: 'Insufficient cpu', plugin: 'NodeResourcesFit' }],
      fits: ['1m cpu more on n1'],
    }
    const note = { rule: 'scheduler/unschedulable', text: '0/1 nodes', data }
    const target = { group: '', version: 'v1', resource: 'pods', namespace: 'default', name: 'idle', subresource: 'status' }
    const body = { status: { conditions: [{ type: 'PodScheduled', status: 'False' }] } }
    await server.transport().call({ ...target, verb: 'patch', patchType: 'strategic', body, cause: { actor: 'scheduler', note } })
    expect(await said('why pod/idle')).toContain(
      'No node takes it:\n  1 node   Insufficient cpu   NodeResourcesFit   n1\nIt would fit with one of these:\n  1m cpu more on n1\n',
    )
  })
})

describe('the server and oneself', () => {
  test('auth tells what one may do', async () => {
    expect(await said('auth can-i create pods')).toBe('yes\n')
    expect(await said('auth whoami')).toMatch(/^ATTRIBUTE +VALUE\nUsername +kubernetes-admin\n/)
    expect(await said('auth can-i --list')).toMatch(
      /^Resources +Non-Resource URLs +Resource Names +Verbs\n\*\.\* +\[\] +\[\] +\[\*\]\n/,
    )
  })

  test('versions, and what is left of them without a server', async () => {
    const io = { version: '1.2.3' }
    expect(JSON.parse((await wherry('version -o json', { io })).out)).toMatchObject({
      clientVersion: { gitVersion: 'v1.2.3' },
      serverVersion: { gitVersion: expect.stringMatching(/^v1\.\d+/) },
    })
    expect(await wherry('version --client', { io, env: { KUBECONFIG: '/none' } })).toMatchObject({
      code: 0,
      out: 'Client Version: v1.2.3\n',
    })
    expect(await said('cluster-info')).toBe(`Kubernetes control plane is running at ${server.address}\n`)
  })

  test('the kubeconfig is shown without its secrets and switched', async () => {
    const shown = await said('config view')
    expect(shown).toContain('client-key-data: DATA+OMITTED')
    const kubeconfig = await server.file('two', (await said('config view --raw')).replace('name: test\n', 'name: test\n'))
    const env = { KUBECONFIG: kubeconfig }
    expect(await wherry('config use-context nope', { env })).toMatchObject({
      code: 1,
      err: 'error: no context exists with the name: "nope"\n',
    })
    expect(await wherry('config set-context --current -n empty', { env })).toMatchObject({
      code: 0,
      out: 'Context "test" modified.\n',
    })
    expect((await wherry('config get-contexts', { env })).out).toMatch(/\* +test +test +test +empty/)
    expect((await wherry('get pods', { env })).err).toBe('No resources found in empty namespace.\n')
  })

  test('help lists every verb, and each has a page', async () => {
    const page = await said('help')
    for (const verb of ['up', 'down', 'status', 'why', 'get', 'rollout', 'explain'])
      expect(page).toMatch(new RegExp(`^  ${verb} `, 'm'))
    expect(await said('--help')).toBe(page)
    expect(await said('help logs')).toBe(await said('logs --help'))
    expect((await wherry('help nonsense')).code).toBe(1)
  })
})
