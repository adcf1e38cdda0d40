import type Docker from 'dockerode'
import { expect, test } from 'vitest'
import { virtualClock } from '../../../lib/clock.ts'
import { type DockerConnection, DockerError } from './connection.ts'
import { helperName, removeOldHelpers } from './helpers.ts'

const clock = virtualClock()

/** An engine that has these containers, by name and age in seconds. */
function engineWith(ages: Readonly<Record<string, number>>, refusal?: DockerError) {
  const removed: string[] = []
  const containers = Object.entries(ages).map(([name, age]) => ({
    Id: name,
    Names: [`/${name}`],
    Created: clock.now() / 1000 - age,
  }))
  const docker = {
    listContainers: async () => containers,
    getContainer: (id: string) => ({
      async remove() {
        if (refusal) throw refusal
        removed.push(id)
      },
    }),
  } as unknown as Docker
  const engine = { read: call => call(docker), change: (_, call) => call(docker) } as Pick<DockerConnection, 'read' | 'change'>
  return { engine: engine as DockerConnection, removed }
}

test('what a killed kubelet has left of its own helpers goes once nobody can be using it; containers of others never do', async () => {
  const { engine, removed } = engineWith({
    [helperName('probe', 'left')]: 61,
    [helperName('probe', 'in-use')]: 2,
    [helperName('unpack', 'left')]: 601,
    [helperName('unpack', 'in-use')]: 61,
    'somebody-elses_wherry_probe_': 9999,
    k8s_POD_web_default_1_0_abc: 9999,
  })
  await removeOldHelpers(engine, clock)
  expect(removed).toEqual(['wherry_probe_left', 'wherry_unpack_left'])
})

test('one that somebody else removes at the same time is no fault', async () => {
  const { engine } = engineWith({ [helperName('probe')]: 61 }, new DockerError(404, 'No such container', undefined))
  await removeOldHelpers(engine, clock)
  await expect(
    removeOldHelpers(engineWith({ [helperName('probe')]: 61 }, new DockerError(500, 'no', undefined)).engine, clock),
  ).rejects.toThrow('no')
})
