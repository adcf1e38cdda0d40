import { expect, test } from 'vitest'
import { defaultKubeletConfig } from '../config.ts'
import type { KubeletContext } from '../context.ts'
import type { RuntimeFeatures } from '../runtime/runtime.ts'
import { samplePod } from '../samples.ts'
import { labels } from './labels.ts'
import { sandboxConfig } from './sandbox-config.ts'
import { dottedSysctl } from './sysctls.ts'

function context(features?: Partial<RuntimeFeatures>): KubeletContext {
  return {
    config: defaultKubeletConfig,
    events: { record: () => {} },
    nodeFiles: { resolvConf: () => '', hosts: () => '' },
    runtime: { ...(features && { features: async () => features }) },
    objects: { runtimeHandler: async (name: string) => ({ small: 'runc', own: '' })[name] },
  } as unknown as KubeletContext
}

test('the sandbox carries host ports, kernel parameters and the labels of its pod', async () => {
  const ports = [{ containerPort: 80, hostPort: 8080 }, { containerPort: 81 }]
  const sysctls = [
    { name: 'net.ipv4.tcp_syncookies', value: '1' },
    { name: 'net/ipv4/conf/eth0.1/forwarding', value: '0' },
  ]
  const containers = [{ name: 'app', image: 'app:1', ports }]
  const pod = samplePod({ containers, securityContext: { sysctls }, hostIPC: true }, { labels: { a: 'b' } })
  expect(await sandboxConfig(context(), pod, 3)).toMatchObject({
    attempt: 3,
    hostname: 'web',
    labels: { a: 'b', [labels.podName]: 'web' },
    portMappings: [{ protocol: 'TCP', containerPort: 80, hostPort: 8080, hostIP: '' }],
    sysctls: { 'net.ipv4.tcp_syncookies': '1', 'net.ipv4.conf.eth0/1.forwarding': '0' },
    hostIPC: true,
  })
})

test.each([
  ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_rmem'],
  ['net/ipv4/tcp_rmem', 'net.ipv4.tcp_rmem'],
  ['net.ipv4.conf.eno2/100.rp_filter', 'net.ipv4.conf.eno2/100.rp_filter'],
  ['net/ipv4/conf/eno2.100/rp_filter', 'net.ipv4.conf.eno2/100.rp_filter'],
  ['sem', 'sem'],
])('%s is %s with dots', (name, dotted) => expect(dottedSysctl(name)).toBe(dotted))

test('a runtime class brings its handler', async () => {
  expect(await sandboxConfig(context(), samplePod({ runtimeClassName: 'small' }), 0)).toMatchObject({ runtimeHandler: 'runc' })
  expect(await sandboxConfig(context(), samplePod({ runtimeClassName: 'own' }), 0)).not.toHaveProperty('runtimeHandler')
  const gone = sandboxConfig(context(), samplePod({ runtimeClassName: 'gone' }), 0)
  await expect(gone).rejects.toThrow('runtimeclass.node.k8s.io "gone" not found')
})

test('user namespaces are refused by who has none', async () => {
  const why = (spec: object, features?: Partial<RuntimeFeatures>) =>
    sandboxConfig(context(features), samplePod({ hostUsers: false, ...spec }), 0)
  await expect(why({})).rejects.toThrow("can't set `spec.hostUsers: false`, runtime does not support user namespaces")
  await expect(why({ runtimeClassName: 'small' }, { userNamespaces: false })).rejects.toThrow(
    'can\'t set `spec.hostUsers: false`, RuntimeClass handler "runc" does not support user namespaces',
  )
  await expect(why({}, { userNamespaces: true })).resolves.toMatchObject({ hostname: 'web' })
  await expect(why({ hostUsers: true })).resolves.toMatchObject({ hostname: 'web' })
})
