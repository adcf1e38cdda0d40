import { describe, expect, test } from 'vitest'
import { Pod } from '../../../api/core/pod.ts'
import { conformancePods } from '../../support/conformance.ts'
import { busybox } from '../../support/real-pods.ts'

const pods = conformancePods('sysctls')

describe.concurrent('Sysctls', () => {
  test('should support sysctls', async () => {
    const securityContext = { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] }
    const container = { command: ['/bin/sysctl', 'kernel.shm_rmid_forced'] }
    expect(await pods().output('forced', { securityContext, container })).toContain('kernel.shm_rmid_forced = 1')
    expect(await pods().events('forced')).not.toContainEqual(expect.stringMatching(/^Failed/))
  })

  test('should support sysctls with slashes as separator', async () => {
    const securityContext = { sysctls: [{ name: 'kernel/shm_rmid_forced', value: '1' }] }
    const container = { command: ['/bin/sysctl', 'kernel/shm_rmid_forced'] }
    expect(await pods().output('slashes', { securityContext, container })).toContain('kernel.shm_rmid_forced = 1')
  })

  test('should reject invalid sysctls', async () => {
    const names = ['foo-', 'kernel.shmmax', 'safe-and-unsafe', 'bar..']
    const sysctls = names.map(name => ({ name, value: '100000000' }))
    const containers = [{ name: 'main', image: busybox }]
    const creating = pods().cluster.client.create(Pod, {
      metadata: { name: 'invalid', namespace: pods().namespace },
      spec: { restartPolicy: 'Never', securityContext: { sysctls }, containers },
    } as never)
    const message = await creating.then(
      () => 'created',
      (error: Error) => error.message,
    )
    expect(message).toContain('Invalid value: "foo-"')
    expect(message).toContain('Invalid value: "bar.."')
    expect(message).not.toMatch(/safe-and-unsafe|kernel\.shmmax/)
  })

  test('should not launch unsafe, but not explicitly enabled sysctls on the node', async () => {
    const securityContext = { sysctls: [{ name: 'kernel.msgmax', value: '10000000000' }] }
    await pods().pod('unsafe', { restartPolicy: 'Never', securityContext, container: { command: ['true'] } })
    const { status } = await pods().phase('unsafe', 'Failed')
    expect([status.reason, status.message]).toEqual(['SysctlForbidden', expect.stringContaining('kernel.msgmax')])
  })
})
