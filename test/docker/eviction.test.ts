import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { isReady } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { program } from '../support/program.ts'

const pods = {
  'default/best-effort': { memory: '300Mi' },
  'default/burstable': { memory: '20Mi' },
  'default/guaranteed': { memory: '60Mi' },
}
const plenty = {
  'memory.available': '8Gi',
  'nodefs.available': '50%',
  'nodefs.inodesFree': '50%',
  'imagefs.available': '50%',
  pods,
}

test('qos: when memory runs short best-effort goes, guaranteed stays, and the node is closed until it has recovered', async () => {
  await using cluster = await program()
  const figures = join(cluster.folder, 'figures.json')
  const say = (more: object = {}) => writeFile(figures, JSON.stringify({ ...plenty, ...more }))
  await say()
  await cluster.up('--signals', figures, '--eviction-pressure-transition-period', '2s')
  await cluster.apply('qos.yaml')
  await eventually(async () => expect((await cluster.pods()).filter(isReady)).toHaveLength(3))
  const before = await cluster.pods()

  await say({ 'memory.available': '80Mi' })
  const node = () => cluster.client.get(Node, { name: 'node-1' })
  const pressure = async () => {
    const { spec, status } = await node()
    return {
      condition: status.conditions?.find(({ type }) => type === 'MemoryPressure')?.status,
      taints: (spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`),
    }
  }
  const evicted = await eventually(async () => {
    const pod = await cluster.pod('best-effort')
    expect(pod.status).toMatchObject({ phase: 'Failed', reason: 'Evicted' })
    return pod
  })
  // One pod per pass: the node says at once that there is room again.
  await say()
  expect(evicted.status.message).toMatch(/^The node was low on resource: memory\. /)
  expect(evicted.status.conditions).toContainEqual(expect.objectContaining({ type: 'DisruptionTarget', status: 'True' }))
  await eventually(async () =>
    expect(await pressure()).toEqual({ condition: 'True', taints: ['node.kubernetes.io/memory-pressure:NoSchedule'] }),
  )
  await eventually(async () => expect(await pressure()).toEqual({ condition: 'False', taints: [] }))

  const uidOf = (name: string) => before.find(pod => pod.metadata.name === name)?.metadata.uid
  const guaranteed = await cluster.pod('guaranteed')
  expect(guaranteed.metadata.uid).toBe(uidOf('guaranteed'))
  expect(guaranteed.status).toMatchObject({ phase: 'Running', containerStatuses: [{ restartCount: 0, ready: true }] })
  const running = (await cluster.containers()).filter(({ State }) => State === 'running')
  expect(running.map(({ Labels }) => Labels['io.kubernetes.pod.name'])).not.toContain('best-effort')
  expect(await cluster.ok('get', 'pod', 'best-effort')).toMatch(/best-effort +0\/1 +Error/)
  expect(await cluster.ok('why', 'pod/best-effort')).toContain('low on resource: memory')
})
