import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Event } from '../../api/core/event.ts'
import type { TestCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { type RealPods, realCluster, realPods } from '../support/real-pods.ts'

/** What a container finds around it: hooks, variables, names, resolvers; and the last words it leaves. */

let cluster: TestCluster
let pods: RealPods
beforeAll(async () => {
  cluster = await realCluster()
  pods = await realPods(cluster, 'surroundings')
})
afterAll(() => cluster?.stop())

const stay = ['sh', '-c', 'trap exit TERM; sleep 600 & wait']
const uidOf = async (name: string) => (await pods.get(name)).metadata.uid

/** Waits until a failed postStart hook is told, and answers in which words. */
async function hookFault(name: string, postStart: object): Promise<string> {
  await pods.pod(name, { container: { command: stay, lifecycle: { postStart } } })
  const message = await eventually(
    async () => {
      const { state, lastState } = (await pods.get(name)).status.containerStatuses?.[0] ?? {}
      expect(state?.waiting?.reason).toBe('PostStartHookError')
      expect(lastState?.terminated ?? state?.terminated).toBeDefined()
      return state?.waiting?.message ?? ''
    },
    { timeoutInMs: 60_000 },
  )
  const events = await pods.events(name)
  expect(events).toContain('FailedPostStartHook: PostStartHook failed')
  expect(events).toContain('Killing: FailedPostStartHook')
  return message
}

describe.concurrent('hooks', () => {
  test('an exec hook that fails says what the command said', async () => {
    const message = await hookFault('exec', { exec: { command: ['sh', '-c', 'echo oh no; exit 3'] } })
    const who = `Container "main" in Pod "exec_${pods.namespace}(${await uidOf('exec')})"`
    expect(message).toBe(
      `Exec lifecycle hook ([sh -c echo oh no; exit 3]) for ${who} failed - error: command 'sh -c echo oh no; exit 3' exited with 3: oh no\n, message: "oh no\\n"`,
    )
  })

  test('an HTTP hook that nobody answers', async () => {
    const message = await hookFault('http', { httpGet: { path: '/start', port: 81 } })
    const { podIP } = (await pods.get('http')).status
    const who = `Container "main" in Pod "http_${pods.namespace}(${await uidOf('http')})"`
    const why = `Get "http://${podIP}:81/start": dial tcp ${podIP}:81: connect: connection refused`
    expect(message).toBe(`HTTP lifecycle hook (/start) for ${who} failed - error: ${why}`)
  })

  test('a TCP hook is no hook', async () => {
    expect(await hookFault('tcp', { tcpSocket: { port: 80 } })).toContain('Cannot run handler: invalid handler')
  })

  test('HTTPS that is answered in plain HTTP is asked again, and any answer is good', async () => {
    const command = ['sh', '-c', 'httpd -f -p 8443 -h / & trap exit TERM; wait']
    const startupProbe = { tcpSocket: { port: 8443 }, periodSeconds: 1 }
    await pods.pod('https', {
      initContainers: [{ name: 'server', image: 'busybox:1.36', restartPolicy: 'Always', command, startupProbe }],
      container: { command: stay, lifecycle: { postStart: { httpGet: { scheme: 'HTTPS', path: '/no-such-file', port: 8443 } } } },
    })
    await pods.ready('https')
    const { podIP } = (await pods.get('https')).status
    expect(await pods.events('https')).toContain(
      `LifecycleHTTPFallback: request to HTTPS lifecycle hook ${podIP}:8443 got HTTP response, retry with HTTP succeeded`,
    )
  })

  test('what comes before the end takes its time, and no longer than the grace period', async () => {
    const before = (preStop: object) => ({ command: stay, lifecycle: { preStop } })
    await pods.pod('naps', { terminationGracePeriodSeconds: 20, container: before({ sleep: { seconds: 3 } }) })
    await pods.pod('sleeps', { terminationGracePeriodSeconds: 3, container: before({ exec: { command: ['sleep', '600'] } }) })
    await Promise.all([pods.ready('naps'), pods.ready('sleeps')])
    const began = performance.now()
    const took = async (name: string) => {
      await pods.remove(name)
      return (performance.now() - began) / 1000
    }
    const [naps, sleeps] = await Promise.all([took('naps'), took('sleeps')])
    expect(naps).toBeGreaterThan(3)
    expect(sleeps).toBeGreaterThan(3)
    expect(sleeps).toBeLessThan(60)
  })
})

describe.concurrent('variables', () => {
  test('of services of the namespace and of the API server; of the latter alone without links', async () => {
    await pods.create({
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'my-db' } },
      spec: {
        selector: { a: 'b' },
        ports: [
          { name: 'sql', port: 5432 },
          { name: 'web', port: 80, protocol: 'TCP' },
        ],
      },
    } as never)
    const env = [{ name: 'URL', value: 'db://$(MY_DB_SERVICE_HOST):$(MY_DB_SERVICE_PORT_SQL)/$$(HOME)$(NOBODY)' }]
    // The kubelet hears of the service a moment later.
    const lines = await eventually(async () => {
      const name = `with-links-${Math.trunc(performance.now())}`
      const found = (await pods.output(name, { container: { command: ['env'], env } })).split('\n')
      expect(found.join()).toContain('MY_DB_SERVICE_HOST=')
      return found
    })
    const host = lines.find(line => line.startsWith('MY_DB_SERVICE_HOST='))?.split('=')[1]
    expect(lines).toEqual(
      expect.arrayContaining([
        ...[`MY_DB_SERVICE_PORT=5432`, `MY_DB_SERVICE_PORT_WEB=80`, `MY_DB_PORT=tcp://${host}:5432`],
        ...[`MY_DB_PORT_80_TCP_ADDR=${host}`, 'MY_DB_PORT_80_TCP_PROTO=tcp', `URL=db://${host}:5432/$(HOME)$(NOBODY)`],
      ]),
    )
    const alone = await pods.output('without-links', { enableServiceLinks: false, container: { command: ['env'] } })
    expect(alone).toContain('KUBERNETES_SERVICE_PORT=443')
    expect(alone).not.toContain('MY_DB')
  })

  test('of a file that an init container has written', async () => {
    const volumes = [{ name: 'config', emptyDir: {} }]
    const write = ['sh', '-c', String.raw`printf '%s\n' '# made here' 'COLOR = red \' '  and blue' > /config/env`]
    const fileKeyRef = (key: string, more: object = {}) => ({ volumeName: 'config', path: 'env', key, ...more })
    const output = await pods.output('from-file', {
      volumes,
      initContainers: [
        { name: 'write', image: 'busybox:1.36', command: write, volumeMounts: [{ name: 'config', mountPath: '/config' }] },
      ],
      container: {
        command: ['env'],
        env: [
          { name: 'COLOR', valueFrom: { fileKeyRef: fileKeyRef('COLOR') } },
          { name: 'SHAPE', valueFrom: { fileKeyRef: fileKeyRef('SHAPE', { optional: true }) } },
        ],
      },
    })
    expect(output).toContain('COLOR=red and blue\n')
    expect(output).not.toContain('SHAPE')
  })

  test('of what is not there: the pod waits, and says for what', async () => {
    await pods.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'some' },
      data: { a: '1' },
      binaryData: { b: 'AAE=' },
    } as never)
    const wants = async (name: string, configMapKeyRef: object) => {
      await pods.pod(name, { container: { env: [{ name: 'X', valueFrom: { configMapKeyRef } }] } })
      return eventually(async () => {
        const waiting = (await pods.get(name)).status.containerStatuses?.[0]?.state.waiting
        expect(waiting?.reason).toBe('CreateContainerConfigError')
        return waiting?.message
      })
    }
    expect(await wants('no-map', { name: 'none', key: 'a' })).toBe('configmap "none" not found')
    expect(await wants('no-key', { name: 'some', key: 'z' })).toBe(`couldn't find key z in ConfigMap ${pods.namespace}/some`)
    expect(await wants('binary', { name: 'some', key: 'b' })).toBe(`couldn't find key b in ConfigMap ${pods.namespace}/some`)
    expect(await pods.events('no-map')).toContain('Failed: Error: configmap "none" not found')
    await pods.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'none' }, data: { a: '1' } } as never)
    await pods.phase('no-map', 'Running')
  })
})

describe.concurrent('names', () => {
  const look = ['sh', '-c', 'hostname; echo --; cat /etc/hosts; echo --; cat /etc/resolv.conf; echo --; stat -c %a /etc/hosts']
  const see = async (name: string, spec: object) =>
    (await pods.output(name, { ...spec, container: { command: look } })).split('--\n')

  test('host name, domain and aliases stand in /etc/hosts, byte by byte', async () => {
    const hostAliases = [{ ip: '1.2.3.4', hostnames: ['one', 'two'] }]
    const [host, hosts, , mode] = await see('named', {
      hostname: 'short',
      subdomain: 'sub',
      setHostnameAsFQDN: true,
      hostAliases,
    })
    const fqdn = `short.sub.${pods.namespace}.svc.cluster.local`
    expect(host).toBe(`${fqdn}\n`)
    const { podIP } = (await pods.get('named')).status
    expect(hosts).toBe(
      [
        ...['# Kubernetes-managed hosts file.', '127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'],
        ...['fe00::0\tip6-localnet', 'fe00::0\tip6-mcastprefix', 'fe00::1\tip6-allnodes', 'fe00::2\tip6-allrouters'],
        ...[`${podIP}\t${fqdn}\tshort`, '', '# Entries added by HostAliases.', '1.2.3.4\tone\ttwo', ''],
      ].join('\n'),
    )
    expect(mode).toBe('644\n')
  })

  test("a pod in the node's network has the node's names", async () => {
    const [, hosts] = await see('of-node', { hostNetwork: true })
    expect(hosts).toBe(`# Kubernetes-managed hosts file (host network).\n${await readFile('/etc/hosts', 'utf8')}`)
  })

  test('a name that is too long for the kernel is refused', async () => {
    await pods.pod('long', { subdomain: 's'.repeat(63), setHostnameAsFQDN: true, container: { command: stay } })
    await eventually(async () => {
      expect(await pods.events('long')).toContainEqual(
        expect.stringMatching(/^FailedCreatePodSandBox: .*is too long \(64 characters is the max, \d+ characters requested\)$/),
      )
    })
  })

  test('resolv.conf: with None only what the pod says, within limits that are told', async () => {
    const nameservers = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
    const searches = Array.from({ length: 32 }, (_, i) => `d${i}.${'x'.repeat(63)}.example`)
    const dnsConfig = { nameservers, searches, options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] }
    const [, , resolv] = await see('none', {
      dnsPolicy: 'None',
      dnsConfig: { ...dnsConfig, searches: ['a.example', 'a.example', 'b.example'] },
    })
    expect(resolv).toBe(
      `${nameservers.map(ip => `nameserver ${ip}\n`).join('')}search a.example b.example\noptions ndots:2 edns0\n`,
    )

    const more = {
      dnsPolicy: 'Default',
      dnsConfig: { nameservers: ['10.0.0.9', ...nameservers.slice(1)], searches: searches.slice(0, 24) },
    }
    const [, , cut = ''] = await see('cut', more)
    expect(cut.match(/^nameserver /gm)?.length).toBeLessThanOrEqual(3)
  })
})

describe.concurrent('last words', () => {
  const end = async (name: string, container: object, initContainers: object[] = []) => {
    await pods.pod(name, { restartPolicy: 'Never', initContainers, container })
    return (await pods.phase(name, 'Failed')).status.containerStatuses?.[0]?.state.terminated?.message ?? ''
  }

  test('are the last 4096 bytes of the file, or the last 80 lines and 2048 bytes of the log', async () => {
    const fill = 'head -c 5000 /dev/zero | tr "\\\\0" a > /dev/termination-log; echo -n END >> /dev/termination-log; exit 1'
    expect(await end('file', { command: ['sh', '-c', fill] })).toBe(`${'a'.repeat(4093)}END`)
    const policy = { terminationMessagePolicy: 'FallbackToLogsOnError' }
    expect(await end('lines', { ...policy, command: ['sh', '-c', 'seq 1 200; exit 1'] })).toBe(
      Array.from({ length: 80 }, (_, i) => `${121 + i}\n`).join(''),
    )
    expect(await end('log', { ...policy, command: ['sh', '-c', 'head -c 9000 /dev/zero | tr "\\\\0" b; exit 1'] })).toBe(
      'b'.repeat(2048),
    )
  })

  test('have less room when there are many containers', async () => {
    const inits = Array.from({ length: 5 }, (_, i) => ({ name: `i${i}`, image: 'busybox:1.36', command: ['true'] }))
    const fill = 'head -c 4096 /dev/zero | tr "\\\\0" a > /dev/termination-log; exit 1'
    expect(await end('shared', { command: ['sh', '-c', fill] }, inits)).toBe('a'.repeat(12_288 / 6))
  })
})

test('events about containers name them', async () => {
  await pods.pod('told', {
    initContainers: [{ name: 'first', image: 'busybox:1.36', command: ['true'] }],
    container: { command: stay, readinessProbe: { exec: { command: ['false'] }, periodSeconds: 1 } },
  })
  await pods.phase('told', 'Running')
  const { namespace } = pods
  const paths = await eventually(async () => {
    const { items } = await cluster.client.list(Event, { namespace, fieldSelector: 'involvedObject.name=told' })
    const found = items.map(({ reason, involvedObject }) => `${reason} ${involvedObject.fieldPath ?? ''}`)
    expect(found).toContain('Unhealthy spec.containers{main}')
    return found
  })
  expect(paths).toEqual(
    expect.arrayContaining([
      ...['Scheduled ', 'Created spec.initContainers{first}', 'Started spec.initContainers{first}'],
      ...['Pulled spec.containers{main}', 'Created spec.containers{main}', 'Started spec.containers{main}'],
    ]),
  )
})
