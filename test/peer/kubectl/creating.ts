import { type Command, expectText } from './kubectl.ts'

/** A command that makes an object, and a field of it by which to tell that it was understood. */
interface Made {
  readonly words: string | readonly string[]
  readonly object: string
  readonly path?: string
  readonly value?: string | RegExp
  readonly since?: number
  readonly until?: number
}

const objects: readonly Made[] = [
  {
    words: 'create configmap cm --from-literal=a=b --from-literal=c=',
    object: 'cm cm',
    path: '{.data}',
    value: '{"a":"b","c":""}',
  },
  { words: 'create secret generic sec --from-literal=p=s3cret', object: 'secret sec', path: '{.data.p}', value: 'czNjcmV0' },
  {
    words: 'create secret docker-registry reg --docker-server=r --docker-username=u --docker-password=p',
    object: 'secret reg',
    path: '{.type}',
    value: 'kubernetes.io/dockerconfigjson',
  },
  { words: 'create serviceaccount robot', object: 'sa robot' },
  {
    words: 'create deployment made --image=busybox:1.36 --replicas=0',
    object: 'deploy made',
    path: '{.spec.replicas} {.spec.template.spec.containers[0].image}',
    value: /^0 busybox:1\.36$/,
  },
  {
    words: 'create job once --image=busybox:1.36 -- echo hi',
    object: 'job once',
    path: '{.spec.template.spec.containers[0].command} {.spec.backoffLimit}',
    value: '["echo","hi"] 6',
  },
  {
    words: ['create', 'cronjob', 'often', '--image=busybox:1.36', '--schedule=*/5 * * * *'],
    object: 'cronjob often',
    path: '{.spec.schedule} {.spec.concurrencyPolicy}',
    value: '*/5 * * * * Allow',
  },
  {
    since: 21, // 1.20 knows CronJob as v1beta1 only, and takes the version that discovery prefers
    words: 'create job from-cron --from=cronjob/often',
    object: 'job from-cron',
    path: '{.metadata.ownerReferences[0].kind}',
    value: 'CronJob',
  },
  {
    words: 'create role viewer --verb=get,list --resource=pods,deployments.apps',
    object: 'role viewer',
    path: '{.rules[*].apiGroups}',
    value: '[""] ["apps"]',
  },
  {
    words: 'create rolebinding viewers --role=viewer --user=ann --serviceaccount=default:robot',
    object: 'rolebinding viewers',
    path: '{.subjects[*].name}',
    value: 'ann robot',
  },
  {
    words: 'create quota few --hard=pods=100,count/deployments.apps=50',
    object: 'quota few',
    path: '{.spec.hard.pods}',
    value: '100',
  },
  {
    words: 'create poddisruptionbudget careful --selector=app=none --min-available=50%',
    object: 'pdb careful',
    path: '{.spec.minAvailable}',
    value: '50%',
  },
  {
    words: ['create', 'ingress', 'way', '--rule=a.example/path*=web:80', '--class=none'],
    object: 'ingress way',
    path: '{.spec.rules[0].http.paths[0].pathType} {.spec.ingressClassName}',
    value: 'Prefix none',
  },
  {
    words: 'create service clusterip inner --tcp=80:8080',
    object: 'svc inner',
    path: '{.spec.type} {.spec.ports[0].targetPort} {.spec.clusterIP}',
    value: /^ClusterIP 8080 10\./,
  },
  {
    words: 'create service nodeport outer --tcp=80:8080',
    object: 'svc outer',
    path: '{.spec.type} {.spec.ports[0].nodePort}',
    value: /^NodePort 3\d{4}$/,
  },
  { words: 'create service loadbalancer upper --tcp=80:8080', object: 'svc upper', path: '{.spec.type}', value: 'LoadBalancer' },
  {
    words: 'create service externalname alias --external-name=example.com',
    object: 'svc alias',
    path: '{.spec.type} {.spec.externalName}',
    value: 'ExternalName example.com',
  },
]

const made: readonly Command[] = objects.map(({ words, object, path = '{.metadata.name}', value = '', ...range }) => ({
  name:
    (typeof words === 'string' ? words.split(' ') : words)
      .slice(0, words.includes('secret') || words.includes('service') ? 3 : 2)
      .join(' ') + (words.includes('--from=') ? ' --from' : ''),
  ...range,
  async run(k) {
    expectText(await k.ok(words), 'created')
    expectText(await k.field(object, path), value)
  },
}))

/** Objects of the whole cluster have the version in their name. */
const clusterWide: readonly Command[] = [
  {
    name: 'create namespace',
    async run(k) {
      await k.ok(`create namespace ${k.namespace}-more`)
      expectText(await k.field(`ns ${k.namespace}-more`, '{.status.phase}'), 'Active')
      await k.ok(`delete namespace ${k.namespace}-more --timeout=20s`)
      expectText(await k.refused(`get ns ${k.namespace}-more`), 'NotFound')
    },
  },
  {
    name: 'create clusterrole, clusterrolebinding',
    async run(k) {
      await k
        .ok(`create clusterrole ${k.namespace} --verb=get --resource=nodes --non-resource-url=/x`)
        .catch(() => k.ok(`create clusterrole ${k.namespace} --verb=get --resource=nodes`))
      await k.ok(`create clusterrolebinding ${k.namespace} --clusterrole=${k.namespace} --group=some`)
      expectText((await k.run('auth can-i get nodes --as=x --as-group=some')).out, /^yes/)
      await k.ok(`delete clusterrolebinding,clusterrole ${k.namespace}`)
    },
  },
  {
    name: 'create priorityclass',
    async run(k) {
      await k.ok(`create priorityclass ${k.namespace} --value=7 --description=x`)
      expectText(await k.field(`priorityclass ${k.namespace}`, '{.value} {.preemptionPolicy}'), '7 PreemptLowerPriority')
      await k.ok(`delete priorityclass ${k.namespace}`)
    },
  },
  {
    name: 'create token',
    since: 24,
    async run(k) {
      expectText(await k.ok('create token robot --duration=20m'), /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n?$/)
    },
  },
  {
    name: 'create --dry-run=server',
    async run(k) {
      expectText(await k.ok('create configmap dry --dry-run=server'), 'configmap/dry created (server dry run)')
      expectText(await k.refused('get cm dry'), 'NotFound')
    },
  },
  {
    name: 'certificate approve',
    async run(k) {
      const name = k.namespace
      await k.file('csr.json', {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name },
        spec: { request: certificateRequest, signerName: 'example.com/own', usages: ['client auth'] },
      })
      await k.ok('create -f csr.json')
      expectText(await k.ok(`get csr ${name}`), 'Pending')
      expectText(await k.ok(`certificate approve ${name}`), 'approved')
      expectText(await k.ok(`get csr ${name}`), 'Approved')
      await k.ok(`delete csr ${name}`)
    },
  },
  {
    name: 'auth reconcile',
    async run(k) {
      await k.file('role.yaml', roleIn(k.namespace, '[get]'))
      expectText(await k.ok('auth reconcile -f role.yaml'), 'reconciled')
      expectText(await k.field('role keeper', '{.rules[0].verbs}'), '["get"]')
      await k.file('role.yaml', roleIn(k.namespace, '[get, list]'))
      expectText(await k.ok('auth reconcile -f role.yaml'), 'reconciled')
      expectText(await k.field('role keeper', '{.rules[*].verbs}'), 'list')
    },
  },
]

/** With its namespace: newer kubectls forget theirs here. */
const roleIn = (namespace: string, verbs: string) => `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: keeper, namespace: ${namespace}}
rules: [{apiGroups: [""], resources: [pods], verbs: ${verbs}}]
`

/** A PKCS #10 request for CN=someone with a P-256 key, made once with openssl; nobody signs it here. */
const certificateRequest =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlITk1IUUNBUUF3RWpFUU1BNEdBMVVFQXd3SGMyOXRaVzl1WlRCWk1CTUdCeX' +
  'FHU000OUFnRUdDQ3FHU000OQpBd0VIQTBJQUJBMlhLSFRmdmJHRVpsZXBWNWsxYjV4VXFmRWZhdjJZOVVOSmF0QnpYb3dXN05PWlBYVmxmYWMz' +
  'CjBEWkVHRU1UVDFXM3MxZzNNbHVhQVc3RGpxQlpwS2VnQURBS0JnZ3Foa2pPUFFRREFnTkpBREJHQWlFQWx1SDUKUXppN2xuQVVYUUFJeDF3bF' +
  'Bua2lQU2N6eGVwZzMraWlseWxITWM0Q0lRRC9jTkNSa29XaFBxQmxEeWFwMXNISwpaeHdXQnhZeGZkTUpDRm92Y0s5NVhRPT0KLS0tLS1FTkQg' +
  'Q0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg=='

export const creating: readonly Command[] = [...made, ...clusterWide]
