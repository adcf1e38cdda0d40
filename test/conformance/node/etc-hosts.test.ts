import { describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'

/** test/e2e/common/node/kubelet_etc_hosts.go: whose /etc/hosts is the kubelet's. */
const pods = conformancePods('e2e-kubelet-etc-hosts')

const fromNode = { name: 'host-etc-hosts', mountPath: '/etc/hosts-original' }
const volumes = [{ name: 'host-etc-hosts', hostPath: { path: '/etc/hosts', type: 'FileOrCreate' } }]
const container = (name: string, ...volumeMounts: object[]) => ({ name, command: ['sleep', '600'], volumeMounts })

async function isManaged(pod: string, of: string): Promise<boolean> {
  const [own, original] = await Promise.all(
    ['/etc/hosts', '/etc/hosts-original'].map(async path => (await pods().exec(pod, ['cat', path], of)).stdout),
  )
  expect(own).not.toBe('')
  expect(original).not.toBe('')
  return own !== original && (own ?? '').startsWith('# Kubernetes-managed hosts file.\n')
}

describe.concurrent('KubeletManagedEtcHosts', () => {
  test('should test kubelet managed /etc/hosts file', async () => {
    const ownMount = { name: 'host-etc-hosts', mountPath: '/etc/hosts' }
    const inPod = [container('busybox-1', fromNode), container('busybox-2', fromNode), container('busybox-3', fromNode, ownMount)]
    await pods().pod('test-pod', { volumes, containers: inPod })
    const inHost = [container('busybox-1', fromNode), container('busybox-2', fromNode)]
    await pods().pod('test-host-network-pod', { hostNetwork: true, volumes, containers: inHost })
    await pods().ready('test-pod')
    await pods().ready('test-host-network-pod')

    expect(await isManaged('test-pod', 'busybox-1')).toBe(true)
    expect(await isManaged('test-pod', 'busybox-2')).toBe(true)
    expect(await isManaged('test-pod', 'busybox-3'), 'it mounts the file itself').toBe(false)
    expect(await isManaged('test-host-network-pod', 'busybox-1'), 'the network is the host’s').toBe(false)
    expect(await isManaged('test-host-network-pod', 'busybox-2'), 'the network is the host’s').toBe(false)
  })
})
