import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { users } from '../../api/user.ts'
import { manifestsDir } from '../support/manifests.ts'
import { hasKubectl, type Said, startServer, type TestServer } from '../support/server.ts'

/** Our command line beside the real one: the same words do and say the same. */
if (!hasKubectl) test('kubectl is not on the PATH: nothing was compared with it', () => expect(hasKubectl).toBe(false))

let server: TestServer
beforeAll(async () => {
  server = await startServer()
  for (const name of ['ours', 'real']) await server.wherry(`create namespace ${name}`)
})
afterAll(() => server[Symbol.asyncDispose]())

/** Blanks at the ends of lines do not show, and the help page has another name. */
const tidy = ({ code, out, err }: Said) => ({
  code,
  out: out.replace(/[ \t]+$/gm, ''),
  err: err
    .replace(/^See '.*\n/gm, '')
    .replaceAll('kubectl apply', 'wherry apply')
    .replace(/\breal\b/g, 'ours'),
})

/** Runs a line with both, each in a namespace of its own; answers what ours said when they agree. */
async function both(line: string, options: { stdin?: string } = {}): Promise<Said> {
  const [ours, real] = await Promise.all([server.wherry(`-n ours ${line}`, options), server.kubectl(`-n real ${line}`, options)])
  expect({ line, ...tidy(ours) }).toEqual({ line, ...tidy(real) })
  return ours
}

/** What the server chose by itself, or what is the namespace's, is no part of a comparison. */
const chosen = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'namespace',
  'clusterIP',
  'clusterIPs',
  'nodePort',
  'time',
  'status',
]

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => !chosen.includes(key) && !/controller-uid|^k:{"uid"/.test(key))
  return Object.fromEntries(
    kept.map(([key, each]) => [key, key.startsWith('kubectl.kubernetes.io/last-applied') ? undefined : comparable(each)]),
  )
}

async function sameObjects(what: string, [ours, real] = [what, what]): Promise<void> {
  const read = async (namespace: string, name: string) =>
    comparable(JSON.parse((await server.wherry(`-n ${namespace} get ${name} -o json --show-managed-fields`)).out))
  expect(await read('ours', ours)).toEqual(await read('real', real))
}

const web = (replicas: number, env = '') => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: nginx:1, ports: [{containerPort: 80}, {containerPort: 53, protocol: UDP}]${env}}]
`

describe.runIf(hasKubectl)('server-side apply', () => {
  test('takes over what was applied without the server, and keeps the annotation', async () => {
    await both('apply -f -', { stdin: web(2, ', env: [{name: A, value: x}]') })
    await both('apply --server-side -f -', { stdin: web(3) })
    const { out } = await server.wherry('-n ours get deploy web -o json')
    expect(JSON.parse(out).spec.template.spec.containers[0].env).toBeUndefined()
    await sameObjects('deploy/web')
  })

  test('tells conflicts with advice, or wins them', async () => {
    await both('scale deploy web --replicas=5')
    expect((await both('apply --server-side -f -', { stdin: web(3) })).err).toMatch(/^error: Apply failed with 1 conflict: /)
    await both('apply --server-side --force-conflicts -f -', { stdin: web(3) })
    await both('apply --server-side --field-manager=other -f -', { stdin: web(3) })
    await sameObjects('deploy/web')
  })

  test('shows what would become different, and to whom it belongs', async () => {
    const file = await server.file('other.yaml', web(7))
    const changed = (text: string) => text.split('\n').filter(line => /^[-+] /.test(line) && !line.includes('last-applied'))
    const ours = await server.wherry(`-n ours diff --server-side --force-conflicts -f ${file}`)
    const real = await server.kubectl(`-n real diff --server-side --force-conflicts -f ${file}`)
    expect([ours.code, changed(ours.out).filter(line => !line.includes('"namespace"'))]).toEqual([
      real.code,
      changed(real.out).filter(line => !line.includes('"namespace"')),
    ])
    expect(changed(ours.out)).toContain('+  replicas: 7')
  })

  test.each([
    'apply --server-side --dry-run=client -f x',
    'apply --force-conflicts -f x',
    'apply --subresource=status -f x',
    'diff --force-conflicts -f x',
  ])('%s is refused', async line => {
    expect((await both(line)).code).not.toBe(0)
  })
})

describe.runIf(hasKubectl)('somebody else', () => {
  test.each([
    '--as jane get pods',
    '--as jane --as-group system:masters --as-group other auth whoami',
    '--as jane --as-uid 7 auth whoami',
  ])('%s', async line => void (await both(line)))
})

describe.runIf(hasKubectl)('create', () => {
  test.each([
    ['job/j', 'create job j --image=busybox -- sh -c "echo a"'],
    ['cj/c', 'create cronjob c --image=busybox --schedule="*/5 * * * *" --restart=Never -- date'],
    ['job/from', 'create job from --from=cronjob/c'],
    ['svc/s1', 'create service clusterip s1 --tcp=80:8080 --tcp=81:web'],
    ['svc/s2', 'create svc clusterip s2 --clusterip=None'],
    ['svc/s3', 'create service nodeport s3 --tcp=80'],
    ['svc/s4', 'create service loadbalancer s4 --tcp=80:80'],
    ['svc/s5', 'create service externalname s5 --external-name=a.b.c'],
    ['ing/i', 'create ingress i --rule=a.b/c*=s:80,tls=t --rule=a.b/=s:http --rule=/x=s:1,tls --default-backend=d:80 --class=k'],
    ['ing/n', 'create ingress n --rule=/=s:80 --annotation=a=b --annotation=c='],
    ['quota/q', 'create quota q --hard=cpu=100,pods=200'],
    ['pdb/p', 'create pdb p --selector=app=x,b=c --min-available=50%'],
    ['pdb/p2', 'create poddisruptionbudget p2 --selector="a in (b,c),!d" --max-unavailable=1'],
    ['cm -l a!=b', 'create cm h --from-literal=a=b --append-hash'],
    ['secret/h-d5ctf29272', 'create secret generic h --from-literal=a=b --append-hash'],
    ['hpa/web', 'autoscale deploy web --min=2 --max=5 --cpu-percent=80'],
    ['svc/web', 'expose deploy web'],
    ['svc/w2', 'expose deploy web --name w2 --port 8080 --target-port=http --type=NodePort'],
    ['svc/w3', 'expose deploy web --name w3 --cluster-ip=None --protocol=TCP -l x=y --selector=q=r'],
    ['svc/w4', 'expose svc s1 --name w4 --session-affinity=ClientIP'],
  ])('%s', async (what, line) => {
    expect((await both(line)).code).toBe(0)
    await sameObjects(what)
  })

  test.each([
    'create job x',
    'create job x --from=cronjob/nope',
    'create service clusterip x',
    'create service clusterip x --tcp=x',
    'create ingress x',
    'create ingress x --rule=x',
    'create pdb x --selector=a=b',
    'create clusterrole x --verb=go --non-resource-url=/healthz',
    'create clusterrole x --aggregation-rule=a=b --verb=get',
    'create clusterrole x --aggregation-rule=a=b --dry-run=server -o jsonpath={.aggregationRule}',
    'create clusterrole x --verb=get --non-resource-url=/a,/b/* --dry-run=server -o jsonpath={.rules[*].nonResourceURLs}',
    'create priorityclass x --value=5 --description=d --dry-run=server -o name',
    'autoscale svc s1 --max=5',
    'autoscale deploy nope --max=5',
    'autoscale deploy web --max=1 --min=3',
    'autoscale deploy web --max=3 --dry-run=client',
    'expose svc s1 --name x --session-affinity=Never',
    'expose cm kube-root-ca.crt',
    'expose deploy web --name x --dry-run=client',
    'run x --image=nginx --port=80 --expose --labels=a=b --dry-run=client',
    'run x --image=nginx --expose',
    'run x --image=nginx --rm',
    'run x --image=nginx -t',
    'top pod',
    'top node',
    'top pod nope --sort-by=size',
  ])('%s', async line => void (await both(line)))
})

describe.runIf(hasKubectl)('debug', () => {
  const pod = `apiVersion: v1
kind: Pod
metadata: {name: dp, labels: {a: b}, annotations: {c: d}}
spec:
  nodeName: somewhere
  automountServiceAccountToken: false
  initContainers: [{name: i, image: busybox}]
  containers:
    - name: main
      image: busybox
      args: [x]
      securityContext: {runAsUser: 1}
      livenessProbe: {exec: {command: [a]}}
      readinessProbe: {exec: {command: [a]}}
    - {name: side, image: busybox, tty: true}
`
  beforeAll(async () => {
    for (const name of ['ours', 'real']) await server.wherry(`-n ${name} apply -f -`, { stdin: pod })
  })

  const profiles = ['legacy', 'general', 'baseline', 'restricted', 'netadmin', 'sysadmin']
  test.each(profiles)('%s: a copy, a container beside the others, a node', async profile => {
    await both(`debug dp --copy-to=${profile} --image=new -c main --share-processes=false --profile=${profile}`)
    await sameObjects(`pod/${profile}`)
    await both(`debug dp --copy-to=${profile}-2 --image=z -c new --keep-labels --keep-liveness --profile=${profile}`)
    await sameObjects(`pod/${profile}-2`)
    await both(`debug dp -c ${profile} --image=busybox --target=main --profile=${profile} -- sleep 1`)
    const [ours, real] = await Promise.all([
      server.wherry(`-n ours debug node/somewhere --image=q --profile=${profile} -- x`),
      server.kubectl(`-n real debug node/somewhere --image=q --profile=${profile} -- x`),
    ])
    expect(ours.code).toBe(real.code)
  })

  test('what was added to the pod stands there in the order it was', () => sameObjects('pod/dp'))

  test.each([
    ['only-images', '--set-image=*=q,side=r'],
    ['command', '-c side -- sh'],
    ['more', '-c new --image=z --env=A=b --same-node --keep-annotations --arguments-only -- x y'],
    ['bare', '-c new --image=z --keep-init-containers=false --profile=general'],
  ])('%s', async (name, flags) => {
    await both(`debug dp --copy-to=${name} ${flags}`)
    await sameObjects(`pod/${name}`)
  })

  test.each([
    'debug dp',
    'debug',
    'debug nope --image=x',
    'debug svc/s1 --image=x',
    'debug dp --copy-to=x',
    'debug dp --copy-to=x -- y',
    'debug dp --image=x --replace',
    'debug dp --image=x --same-node',
    'debug dp --image=x --set-image=a=b',
    'debug dp --image=x --profile=none',
    'debug dp --copy-to=q --image=x --target=main',
    'debug dp --image=x -t',
  ])('%s is refused', async line => {
    expect((await both(line)).code).toBe(1)
  })
})

describe.runIf(hasKubectl)('certificate', () => {
  test('approves and denies, once', async () => {
    const [text = ''] = (await readFile(join(manifestsDir, 'kinds', 'certificate-signing-request.yaml'), 'utf8')).split('\n---')
    const [document] = parseAllDocuments(text)
    const body = document?.toJS() as { metadata: object }
    for (const name of ['a1', 'a2', 'd1', 'd2']) {
      await server.wherry('create -f -', { stdin: JSON.stringify({ ...body, metadata: { name } }) })
    }
    expect((await server.wherry('certificate approve a1')).out).toBe(
      (await server.kubectl('certificate approve a2')).out.replace('a2', 'a1'),
    )
    expect((await server.wherry('certificate deny d1')).out).toBe(
      (await server.kubectl('certificate deny d2')).out.replace('d2', 'd1'),
    )
    for (const line of ['approve a1', 'deny a1', 'approve d1', 'approve nope', 'deny']) await both(`certificate ${line}`)
    const conditions = async (name: string) => {
      const { status } = JSON.parse((await server.wherry(`get csr ${name} -o json`)).out)
      return status.conditions.map(({ type, reason, message }: Record<string, string>) => ({ type, reason, message }))
    }
    expect(await conditions('a1')).toEqual(await conditions('a2'))
    expect(await conditions('d1')).toEqual(await conditions('d2'))
  })
})

describe.runIf(hasKubectl)('describe', () => {
  const rich = join(import.meta.dirname, '../support/described.yaml')
  beforeAll(async () => {
    await server.wherry('create namespace seen')
    const files = (await readdir(join(manifestsDir, 'kinds'))).map(name => join(manifestsDir, 'kinds', name))
    const { code, err } = await server.wherry(['-n', 'seen', 'apply', '-f', rich])
    expect({ code, err: err.replace(/^Warning: .*\n/gm, '') }).toEqual({ code: 0, err: '' })
    for (const file of files) await server.wherry(['apply', '-f', file])
  })

  /** kubectl 1.32 asks for versions of these that are gone. */
  const gone = ['servicecidrs', 'ipaddresses', 'volumeattributesclasses']
  const types =
    'sts ds rc job cj hpa pdb quota limits ep endpointslice ing ingressclass netpol csinode runtimeclass csr ns svc secret cm sa ' +
    'csidriver volumeattachment flowschema prioritylevelconfiguration priorityclass storageclass clusterrole crd apiservice ' +
    'validatingwebhookconfiguration validatingadmissionpolicy lease podtemplate controllerrevision'

  test.each(types.split(' '))('%s', async type => {
    for (const namespace of ['seen', 'default']) {
      const [ours, real] = await Promise.all([
        server.wherry(`-n ${namespace} describe ${type}`),
        server.kubectl(`-n ${namespace} describe ${type}`),
      ])
      expect(tidy(ours)).toEqual(tidy(real))
    }
  })

  test.each(gone)('%s has a layout of its own', async type => {
    const { out } = await server.wherry(`describe ${type}`)
    expect(out).toMatch(/^(CIDRs|Parent Reference|DriverName): ?/m)
  })

  test.each(['ep/ep', 'ep/e', 'ep e', 'hpa.v1.autoscaling hpa'])('%s: a name, or how one begins', async words => {
    const [ours, real] = await Promise.all([
      server.wherry(`-n seen describe ${words}`),
      server.kubectl(`-n seen describe ${words}`),
    ])
    expect(tidy(ours)).toEqual(tidy(real))
  })

  test('requests for certificates are looked into', async () => {
    await server.transport(users.admin).call({
      verb: 'create',
      group: 'certificates.k8s.io',
      version: 'v1',
      resource: 'certificatesigningrequests',
      body: {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name: 'names' },
        spec: {
          request: await requestWithNames(),
          signerName: 'example.com/x',
          usages: ['client auth'],
          expirationSeconds: 86400,
        },
      },
    })
    const { out } = await both('describe csr names')
    expect(out).toContain('IP Addresses:')
  })
})

/** Made with openssl: every part of a subject, and every sort of other name. */
async function requestWithNames(): Promise<string> {
  return Buffer.from(await readFile(join(import.meta.dirname, '../support/request.pem'), 'utf8')).toString('base64')
}
