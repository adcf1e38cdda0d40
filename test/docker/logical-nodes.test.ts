import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { clusterNames } from '../../kubelet/network/cluster-names.ts'
import { hostCommands } from '../../kubelet/network/host-commands.ts'
import { removePodNetwork } from '../../kubelet/network/pod-network.ts'
import { removeCluster } from '../../kubelet/runtime/docker/cluster-resources.ts'
import { systemClock as clock } from '../../lib/clock.ts'
import { silentLog as log } from '../../lib/log.ts'
import { isReady, type TestCluster, testCluster } from '../support/cluster.ts'
import { engineSocket } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot)
  test('only root may change the packet filter: nothing was shown of nodes on one engine', () => expect(isRoot).toBe(false))
describe.runIf(isRoot)('two logical nodes of one engine', () => {
  const id = `pair-${process.pid}`
  const names = clusterNames(id)
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await testCluster({
      id,
      simulated: 0,
      docker: ['node-1', 'node-2'],
      podCIDR: `10.${100 + (process.pid % 30)}.0.0/16`,
    })
    for (const number of [1, 2]) {
      const script = 'mkdir /www; hostname > /www/index.html; httpd -f -p 8080 -h /www'
      const container = { name: 'main', image: 'busybox:1.36', command: ['sh', '-c', script] }
      await cluster.client.create(Pod, {
        metadata: { name: `web-${number}`, namespace: 'default' },
        spec: { nodeName: `node-${number}`, containers: [container], terminationGracePeriodSeconds: 0 },
      })
    }
    for (const name of ['web-1', 'web-2'])
      await eventually(async () => expect(isReady(await cluster.pod(name))).toBe(true), { timeoutInMs: 60_000 })
  }, 120_000)
  afterAll(async () => {
    await cluster?.stop()
    await removeCluster({ cluster: id, clock, log, socketPath: engineSocket })
    await removePodNetwork(id, { commands: hostCommands({ path: process.env.PATH }), stateFile: '/nowhere' })
    expect(execFileSync('iptables', ['-S'], { encoding: 'utf8' })).not.toContain(names.forwardChain)
  })

  const fetched = async (from: string, to: string) => {
    const url = `http://${(await cluster.pod(to)).status.podIP}:8080/`
    const options = { command: ['timeout', '5', 'wget', '-qO-', url], stdin: false, stdout: true, stderr: true, tty: false }
    const session = await cluster.https.exec({ namespace: 'default', name: from }, options)
    let text = ''
    for await (const chunk of session.stdout) text += Buffer.from(chunk).toString()
    await session.done
    return text.trim()
  }
  const reach = { timeoutInMs: 30_000, everyMs: 200 }

  test.each([
    ['web-1', 'web-2'],
    ['web-2', 'web-1'],
  ])('%s reaches %s by its address, from its own', (from, to) =>
    eventually(async () => expect(await fetched(from, to)).toBe(to), reach),
  )

  test('also after somebody has flushed the rules', async () => {
    execFileSync('iptables', ['-F', names.forwardChain])
    expect(await fetched('web-1', 'web-2')).toBe('')
    await eventually(async () => expect(await fetched('web-1', 'web-2')).toBe('web-2'), reach)
  })
})
