import { type Command, expectText, until } from './kubectl.ts'
import { deployment, pod } from './objects.ts'

/** What shows and changes nothing. They find pod `reader` and Deployment `web`, made by the first. */
export const reading: readonly Command[] = [
  {
    name: 'version',
    run: async k => expectText(await k.ok('version'), /Server Version.*v?1\W*\D*34/),
  },
  { name: 'cluster-info', run: async k => expectText(await k.ok('cluster-info'), 'is running at') },
  { name: 'api-versions', run: async k => expectText(await k.ok('api-versions'), /^v1$/m, /^apps\/v1$/m, /^batch\/v1$/m) },
  {
    name: 'api-resources',
    run: async k =>
      expectText(await k.ok('api-resources -o wide'), /^pods +po +v1 +true +Pod/m, /^deployments +deploy +apps\/v1 +true/m),
  },
  {
    name: 'explain',
    run: async k => {
      expectText(await k.ok('explain deployment.spec.strategy'), 'Deployment', 'rollingUpdate')
      expectText(await k.ok('explain pods --recursive'), 'nodeName', 'containers')
    },
  },
  {
    name: 'explain -o plaintext-openapiv2',
    since: 27,
    run: async k => expectText(await k.ok('explain cronjob.spec --output=plaintext-openapiv2'), 'schedule'),
  },
  {
    name: 'create -f',
    run: async k => {
      const file = await k.file('reading.json', {
        apiVersion: 'v1',
        kind: 'List',
        items: [pod('reader'), deployment('web', 2)],
      })
      expectText(await k.ok(`create -f ${file}`), 'pod/reader created', 'deployment.apps/web created')
      await k.ok('wait --for=condition=Ready pod/reader --timeout=30s')
      await k.ok('rollout status deployment/web --timeout=30s')
      const bad = await k.file('bad.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndat: {a: b}\n')
      expectText(await k.refused(`create -f ${bad}`), 'unknown field "dat"')
      expectText(await k.refused('get configmap bad'), 'NotFound')
    },
  },
  {
    name: 'get',
    run: async k => {
      expectText(await k.ok('get pods'), /^NAME +READY +STATUS +RESTARTS +AGE/, /^reader +1\/1 +Running +0/m)
      expectText(await k.ok('get pods -A'), /^NAMESPACE +NAME/, new RegExp(`^${k.namespace} +reader`, 'm'))
      expectText(await k.ok('get deploy web'), /^web +2\/2 +2 +2/m)
      expectText(await k.refused('get pod none'), 'pods "none" not found')
    },
  },
  {
    name: 'get -o',
    run: async k => {
      expectText(await k.ok('get pod reader -o wide'), 'NOMINATED NODE', 'READINESS GATES', /reader.*\d+\.\d+\.\d+\.\d+/)
      expectText(await k.ok('get pod reader -o yaml'), 'kind: Pod', 'image: busybox:1.36')
      const { kind, items } = JSON.parse(await k.ok('get pods -o json')) as { kind: string; items: { kind: string }[] }
      if (kind !== 'List' || items[0]?.kind !== 'Pod') throw new Error(`${kind} of ${items[0]?.kind}`)
      expectText(await k.ok('get pod reader -o name'), /^pod\/reader\n$/)
      expectText(await k.ok(['get', 'pods', '-o', 'jsonpath={.items[*].kind}']), /^Pod Pod Pod$/)
      expectText(await k.ok('get pod reader -o custom-columns=N:.metadata.name'), /^N\nreader\n$/)
      expectText(await k.ok(['get', 'pod', 'reader', '-o', 'go-template={{.metadata.name}}']), /^reader$/)
    },
  },
  { name: 'get --sort-by', run: async k => expectText(await k.ok('get pods --sort-by=.metadata.name'), /^reader[^]*^web-/m) },
  {
    name: 'get -l --field-selector --show-labels',
    run: async k => {
      expectText(await k.ok('get pods -l app=web --show-labels'), /^NAME.*LABELS/, /app=web/)
      expectText(await k.ok('get pods --field-selector status.phase=Running,metadata.name=reader -o name'), /^pod\/reader\n$/)
      expectText(await k.refused('get pods --field-selector spec.foo=bar'), 'field label not supported: spec.foo')
    },
  },
  {
    name: 'get all',
    run: async k => expectText(await k.ok('get all'), 'pod/reader', 'deployment.apps/web', /replicaset.apps\/web-/),
  },
  {
    name: 'get --subresource',
    since: 24,
    run: async k => expectText(await k.ok('get deployment web --subresource=scale'), /^NAME +DESIRED +AVAILABLE/, /^web +2 +2/m),
  },
  {
    name: 'get -w',
    run: async k => {
      const all = k.start('get pods -w')
      const one = k.start('get pod reader -w')
      try {
        await Promise.all([all.says(/reader/), one.says(/reader/)])
        await k.ok('annotate pod reader seen=yes --overwrite')
        await all.says(/reader[^]*reader/)
        await k.ok('label pod reader watched=yes --overwrite')
      } finally {
        await Promise.all([all.stop(), one.stop()])
      }
    },
  },
  {
    name: 'get --raw',
    run: async k => expectText(await k.ok(`get --raw /api/v1/namespaces/${k.namespace}/pods/reader`), '"kind":"Pod"'),
  },
  {
    name: 'describe pod',
    run: async k => {
      await until(async () => expectText(await k.ok('describe pod reader'), /Name: +reader/, 'Started container main'))
      expectText(await k.ok('describe pod reader'), 'QoS Class', /Node: +\S+\/\d+\./)
    },
  },
  {
    name: 'describe deploy, rs',
    run: async k => {
      expectText(await k.ok('describe deployment web'), '2 desired | 2 updated', 'NewReplicaSet', 'ScalingReplicaSet')
      expectText(await k.ok('describe rs -l app=web'), '2 Running', 'Controlled By')
    },
  },
  {
    name: 'describe node',
    run: async k => {
      const text = await k.ok(`describe node ${await k.field('pod reader', '{.spec.nodeName}')}`)
      expectText(text, 'Non-terminated Pods', 'Allocatable', 'Lease:', /HolderIdentity/)
    },
  },
  {
    name: 'describe ns, sa',
    run: async k => {
      expectText(await k.ok(`describe namespace ${k.namespace}`), 'Status:', 'Active', 'No resource quota')
      expectText(await k.ok('describe sa default'), /Name: +default/)
    },
  },
  {
    name: 'logs',
    run: async k => {
      expectText(await k.ok('logs reader'), /^started\n$/)
      expectText(await k.ok('logs reader -c main --tail=1 --timestamps'), /^\d{4}-\d\d-\d\dT\S+ started\n$/)
      expectText(await k.ok('logs deployment/web'), 'started')
      expectText(await k.ok('logs -l app=web --prefix'), /\[pod\/web-\S+\/main\] started/)
      expectText(await k.refused('logs reader -c none'), 'container none is not valid for pod reader')
      expectText(await k.refused('logs reader --previous'), 'previous terminated container "main" in pod "reader" not found')
    },
  },
  {
    name: 'logs -f',
    run: async k => {
      await k.file('talker.json', pod('talker', { restartPolicy: 'Never', containers: [talker] }))
      await k.ok('create -f talker.json')
      await k.ok('wait --for=condition=Ready pod/talker --timeout=30s')
      expectText(await k.ok('logs -f talker'), /^one\ntwo\n$/)
    },
  },
  {
    name: 'get events',
    run: async k => expectText(await k.ok('get events'), /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE/, 'pod/reader'),
  },
  {
    name: 'events',
    since: 26,
    run: async k => expectText(await k.ok('events --for pod/reader'), /LAST SEEN +TYPE/, 'Pod/reader'),
  },
  {
    name: 'top',
    run: async k => {
      await until(async () => expectText(await k.ok('top node'), /^NAME +CPU\(cores\)/, /\d+m/))
      await until(async () => expectText(await k.ok('top pod reader --containers'), 'main', /Mi/))
    },
  },
  {
    name: 'auth can-i',
    run: async k => {
      expectText(await k.ok('auth can-i create pods'), /^yes/)
      expectText((await k.run('auth can-i create pods --as=nobody')).out, /^no/)
      expectText(await k.ok('auth can-i --list'), /^Resources/m, /\*\.\*/)
      expectText(await k.ok('auth can-i get /healthz --as=nobody --as-group=system:authenticated'), /^yes/)
    },
  },
  {
    name: 'auth whoami',
    since: 28,
    run: async k => expectText(await k.ok('auth whoami'), /Username/, 'system:masters'),
  },
  {
    name: 'cluster-info dump',
    run: async k =>
      expectText(
        await k.ok(`cluster-info dump --namespaces=${k.namespace}`),
        '"kind": "PodList"',
        'START logs for container main',
      ),
  },
  {
    name: 'config, completion, options',
    run: async k => {
      expectText(await k.ok('config view --minify'), 'certificate-authority-data')
      expectText(await k.ok('completion bash'), 'kubectl')
      expectText(await k.ok('options'), '--kubeconfig')
    },
  },
]

const talker = {
  name: 'main',
  image: 'busybox:1.36',
  command: ['sh', '-c', 'echo one; until [ -e /tmp/go ]; do [ $((i=i+1)) -gt 10 ] && break; sleep 0.1; done; echo two'],
}
