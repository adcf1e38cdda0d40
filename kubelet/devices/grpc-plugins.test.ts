import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { grpcClient } from '../../lib/grpc/client.ts'
import { grpcSchema } from '../../lib/grpc/schema.ts'
import { serveGrpc } from '../../lib/grpc/server.ts'
import { silentLog } from '../../lib/log.ts'
import { samplePod } from '../samples.ts'
import { devices } from './devices.ts'
import { devicePluginProto, devicePlugins } from './grpc-plugins.ts'

test('a plugin registers, its devices are counted and given away, and its going is noticed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-plugins-'))
  const address = (name: string) => `unix://${join(folder, name)}`
  const held = devices({ log: silentLog })
  const stop = new AbortController()
  const clock = virtualClock()
  const running = devicePlugins({ folder, devices: held, onChange: () => {}, clock, log: silentLog })(stop.signal)
  const schema = await grpcSchema(devicePluginProto)
  const kubelet = await grpcClient({ address: address('kubelet.sock'), schema })
  const register = (more: object = {}) =>
    kubelet.call(
      'v1beta1.Registration/Register',
      {
        version: 'v1beta1',
        endpoint: 'spring.sock',
        resourceName: 'example.com/spring',
        options: { preStartRequired: true },
        ...more,
      },
      { timeoutInMs: 2000 },
    )
  const said: string[] = []
  let leave = () => {}
  await expect
    .poll(() => register({ version: 'v1' }).catch((error: Error) => error.message))
    .toContain('requested API version "v1" is not supported by kubelet. Supported version is "v1beta1"')
  await expect(register({ resourceName: 'cpu' })).rejects.toThrow('the ResourceName "cpu" is invalid')
  const stopPlugin = await serveGrpc({
    address: address('spring.sock'),
    schema,
    services: {
      'v1beta1.DevicePlugin': {
        async *ListAndWatch() {
          yield {
            devices: [
              { id: 'a', health: 'Healthy' },
              { id: 'b', health: 'Unhealthy' },
            ],
          }
          await new Promise<void>(resolve => {
            leave = resolve
          })
        },
        Allocate({ containers }: { containers: { ids: string[] }[] }) {
          const devices = [{ containerPath: '/dev/spring', hostPath: '/dev/zero', permissions: 'rw' }]
          return { containers: containers.map(({ ids }) => ({ envs: { SPRING: ids.join() }, devices })) }
        },
        PreStartContainer({ ids }: { ids: string[] }) {
          said.push(`start ${ids.join()}`)
          return {}
        },
      },
    },
  })
  await register()
  const amounts = (capacity: string, allocatable: string) => ({
    capacity: { 'example.com/spring': capacity },
    allocatable: { 'example.com/spring': allocatable },
  })
  await expect.poll(held.amounts).toEqual(amounts('2', '1'))
  const pod = samplePod({ containers: [{ name: 'app', image: 'a:1', resources: { limits: { 'example.com/spring': '1' } } }] })
  held.reserve(pod)
  await held.allocate(pod)
  expect(await held.optionsFor('uid-1', 'app')).toEqual({
    env: { SPRING: 'a' },
    mounts: [],
    nodes: [{ containerPath: '/dev/spring', hostPath: '/dev/zero', permissions: 'rw' }],
    annotations: {},
  })
  expect(said).toEqual(['start a'])
  leave()
  await expect.poll(held.amounts).toEqual(amounts('2', '0'))
  await clock.advance(300_000)
  await expect.poll(held.amounts).toEqual(amounts('0', '0'))
  stopPlugin()
  kubelet.close()
  stop.abort()
  await running
  await rm(folder, { recursive: true, force: true })
})
