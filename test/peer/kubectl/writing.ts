import { type Command, expectText, type Kubectl, until } from './kubectl.ts'
import { deployment } from './objects.ts'

const configMap = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'notes' }, data })

/** What changes objects. They work on ConfigMap `notes` and Deployment `site`, made by the first. */
export const writing: readonly Command[] = [
  {
    name: 'apply',
    async run(k) {
      await k.file('notes.json', configMap({ a: '1' }))
      expectText(await k.ok('apply -f notes.json'), 'configmap/notes created')
      expectText(await k.ok('apply -f notes.json'), 'configmap/notes unchanged')
      await k.file('notes.json', configMap({ b: '2' }))
      expectText(await k.ok('apply -f notes.json'), 'configmap/notes configured')
      expectText(await k.field('cm notes', '{.data}'), /^\{"b":"2"\}$/)
      await k.file('site.json', deployment('site'))
      expectText(await k.ok('apply -f site.json'), 'deployment.apps/site created')
      expectText(await k.ok('apply -f site.json'), 'deployment.apps/site unchanged')
      expectText(await k.ok('apply view-last-applied cm notes'), 'b:')
      expectText(await k.ok('apply -f notes.json --dry-run=server'), 'unchanged (server dry run)')
    },
  },
  {
    name: 'diff',
    async run(k) {
      expectText(`${(await k.run('diff -f notes.json')).code}`, /^0$/)
      await k.file('notes-next.json', configMap({ b: '3' }))
      const { code, out } = await k.run('diff -f notes-next.json')
      expectText(`${code}\n${out}`, /^1\n/, /^-\s+b: "2"/m, /^\+\s+b: "3"/m)
      expectText(await k.field('cm notes', '{.data.b}'), /^2$/)
    },
  },
  {
    name: 'apply --server-side',
    async run(k) {
      const name = { metadata: { name: 'shared' } }
      const body = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', ...name, data })
      await k.file('one.json', body({ a: '1', b: '1' }))
      await k.file('two.json', body({ b: '2' }))
      expectText(await k.ok('apply --server-side -f one.json --field-manager=one'), 'configmap/shared serverside-applied')
      const version = await k.field('cm shared', '{.metadata.resourceVersion}')
      await k.ok('apply --server-side -f one.json --field-manager=one')
      expectText(await k.field('cm shared', '{.metadata.resourceVersion}'), new RegExp(`^${version}$`))
      expectText(
        await k.refused('apply --server-side -f two.json --field-manager=two'),
        'Apply failed with 1 conflict',
        'conflict with "one"',
        '.data.b',
      )
      await k.ok('apply --server-side -f two.json --field-manager=two --force-conflicts')
      await k.file('one.json', body({ c: '1' }))
      await k.ok('apply --server-side -f one.json --field-manager=one')
      expectText(await k.field('cm shared', '{.data}'), /^\{"b":"2","c":"1"\}$/)
    },
  },
  {
    name: 'diff --server-side',
    async run(k) {
      await k.file('two.json', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shared' }, data: { b: '9' } })
      const { code, out } = await k.run('diff --server-side --field-manager=two -f two.json')
      expectText(`${code}\n${out}`, /^1\n/, /^\+\s+b: "9"/m)
    },
  },
  {
    name: 'replace, replace --force',
    async run(k) {
      await k.file('notes.json', configMap({ r: '1' }))
      expectText(await k.ok('replace -f notes.json'), 'configmap/notes replaced')
      expectText(await k.field('cm notes', '{.data}'), /^\{"r":"1"\}$/)
      const uid = await k.field('cm notes', '{.metadata.uid}')
      await k.ok('replace --force -f notes.json')
      if ((await k.field('cm notes', '{.metadata.uid}')) === uid) throw new Error('it is still the same object')
    },
  },
  {
    name: 'patch',
    async run(k) {
      await k.ok(['patch', 'cm', 'notes', '-p', '{"data":{"s":"1"}}'])
      await k.ok(['patch', 'cm', 'notes', '--type=merge', '-p', '{"data":{"m":"1","r":null}}'])
      await k.ok(['patch', 'cm', 'notes', '--type=json', '-p', '[{"op":"add","path":"/data/j","value":"1"}]'])
      expectText(await k.field('cm notes', '{.data}'), /^\{"j":"1","m":"1","s":"1"\}$/)
      expectText(
        await k.refused(['patch', 'cm', 'notes', '--type=json', '-p', '[{"op":"remove","path":"/data/none"}]']),
        /the server rejected our request|The request is invalid/,
      )
      const sidecar =
        '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"busybox:1.36","command":["sleep","9999"]}]}}}}'
      await k.ok(['patch', 'deployment', 'site', '-p', sidecar])
      expectText(await k.field('deploy site', '{.spec.template.spec.containers[*].name}'), 'side', 'main')
    },
  },
  {
    name: 'patch --subresource',
    since: 24,
    async run(k) {
      await k.ok(['patch', 'deployment', 'site', '--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":2}}'])
      expectText(await k.field('deploy site', '{.spec.replicas}'), /^2$/)
    },
  },
  {
    name: 'edit',
    async run(k) {
      const env = { EDITOR: `sed -i 's/s: "1"/s: "edited"/'`, KUBE_EDITOR: `sed -i 's/s: "1"/s: "edited"/'` }
      expectText(await k.ok('edit cm notes', { env }), 'configmap/notes edited')
      expectText(await k.field('cm notes', '{.data.s}'), 'edited')
    },
  },
  {
    name: 'label, annotate',
    async run(k) {
      expectText(await k.ok('label cm notes x=1 y=2'), 'labeled')
      expectText(await k.refused('label cm notes x=2'), 'already has a value')
      await k.ok('label cm notes x=3 y- --overwrite')
      await k.ok(['annotate', 'cm', 'notes', 'why=because of it'])
      expectText(await k.field('cm notes', '{.metadata.labels}{.metadata.annotations.why}'), /^\{"x":"3"\}because of it$/)
    },
  },
  {
    name: 'scale',
    async run(k) {
      await k.ok('scale deployment site --replicas=2')
      expectText(await k.ok('scale deployment site --current-replicas=2 --replicas=1'), 'scaled')
      expectText(await k.refused('scale deployment site --current-replicas=5 --replicas=3'), /[Ee]xpected replicas to be 5/)
      expectText(await k.field('deploy site', '{.spec.replicas}'), /^1$/)
    },
  },
  {
    name: 'set',
    async run(k) {
      await k.ok('set image deployment/site side=busybox:latest')
      await k.ok('set env deployment/site COLOR=blue')
      await k.ok('set resources deployment/site -c main --limits=memory=64Mi')
      await k.ok('set serviceaccount deployment/site default')
      await k.ok('create service clusterip chosen --tcp=80')
      await k.ok('set selector service chosen app=site')
      const containers = JSON.parse(await k.field('deploy site', '{.spec.template.spec.containers}')) as Container[]
      const byName = Object.fromEntries(containers.map(each => [each.name, each]))
      expectText(JSON.stringify(byName.side), '"image":"busybox:latest"')
      expectText(JSON.stringify(byName.main), '"value":"blue"', '"memory":"64Mi"')
      expectText(await k.field('svc chosen', '{.spec.selector}'), '{"app":"site"}')
      await k.ok('set image deployment/site side=busybox:1.36')
    },
  },
  {
    name: 'rollout',
    async run(k) {
      expectText(await k.ok('rollout status deployment/site --timeout=30s'), 'successfully rolled out')
      await k.ok('rollout pause deployment/site')
      await k.ok('set env deployment/site COLOR=red')
      await k.ok('rollout resume deployment/site')
      await k.ok('rollout status deployment/site --timeout=30s')
      await k.ok('rollout restart deployment/site')
      await k.ok('rollout status deployment/site --timeout=30s')
      expectText(await k.ok('rollout history deployment/site'), /^REVISION +CHANGE-CAUSE/m)
      await revisions(k)
    },
  },
  {
    name: 'expose',
    async run(k) {
      await k.ok('expose deployment site --port=80 --target-port=8080')
      expectText(await k.field('svc site', '{.spec.selector.app} {.spec.ports[0].targetPort}'), 'site 8080')
    },
  },
  {
    name: 'describe svc, ing',
    async run(k) {
      expectText(await k.ok('describe svc site'), /Selector: +app=site/, /TargetPort: +8080/)
      expectText(await k.ok('describe ingress way'), 'a.example', /web:80/)
    },
  },
  {
    name: 'autoscale',
    async run(k) {
      await k
        .ok('autoscale deployment site --min=1 --max=3 --cpu-percent=80')
        .catch(() => k.ok('autoscale deployment site --min=1 --max=3 --cpu=80%'))
      expectText(await k.field('hpa site', '{.spec.maxReplicas} {.spec.scaleTargetRef.name}'), '3 site')
      expectText(await k.ok('get hpa site'), /^site +Deployment\/site/m)
      expectText(await k.ok('describe hpa site'), /80%/)
      await k.ok('delete hpa site')
    },
  },
  {
    name: 'wait',
    async run(k) {
      await k.ok('wait --for=condition=Available deployment/site --timeout=30s')
      await k.ok('create configmap waited')
      const deleted = k.start('wait -v=6 --for=delete cm/waited --timeout=20s')
      await deleted.says(/waited/) // it has asked for it: old ones refuse to wait for what is not there
      await k.ok('delete cm waited')
      const { code, out, err } = await deleted.ended()
      if (code !== 0) throw new Error(`wait --for=delete ended with ${code}: ${out}${err}`)
    },
  },
  {
    name: 'wait --for=jsonpath',
    since: 23,
    run: async k => void (await k.ok(['wait', '--for=jsonpath={.spec.replicas}=1', 'deployment/site', '--timeout=20s'])),
  },
  {
    name: 'wait --for=create',
    since: 31,
    async run(k) {
      const waiting = k.start('wait --for=create cm/awaited --timeout=20s')
      await k.ok('create configmap awaited')
      await waiting.says(/condition met/)
      await waiting.stop()
    },
  },
  {
    name: 'delete',
    async run(k) {
      expectText(await k.ok('delete cm notes'), 'configmap "notes" deleted')
      expectText(await k.refused('delete cm notes'), 'NotFound')
      await k.ok('delete cm notes --ignore-not-found')
      await k.ok('create configmap tagged')
      await k.ok('label cm tagged bin=yes')
      expectText(await k.ok('delete cm -l bin=yes'), 'configmap "tagged" deleted')
      await k.ok('delete deployment site --cascade=foreground --timeout=30s')
      await until(async () => {
        if ((await k.ok('get pods -l app=site -o name')) !== '') throw new Error('its pods are still there')
      })
    },
  },
  {
    name: 'delete --dry-run=server',
    async run(k) {
      expectText(await k.ok('delete cm shared --dry-run=server'), /deleted.*\(server dry run\)/)
      await k.ok('get cm shared')
    },
  },
]

interface Container {
  readonly name: string
}

/** Back to what it was before the last change, by number and by default. */
async function revisions(k: Kubectl): Promise<void> {
  const color = "{.spec.template.spec.containers[?(@.name=='main')].env[0].value}"
  const restarted = await k.field('deploy site', '{.spec.template.metadata.annotations}')
  expectText(restarted, 'kubectl.kubernetes.io/restartedAt')
  await k.ok('rollout undo deployment/site')
  expectText(await k.field('deploy site', `{.spec.template.metadata.annotations}|${color}`), /^\|red$/)
  await k.ok('rollout undo deployment/site --to-revision=1')
  expectText(await k.field('deploy site', '{.spec.template.spec.containers[*].name}'), /^main$/)
  await k.ok('rollout status deployment/site --timeout=30s')
}
