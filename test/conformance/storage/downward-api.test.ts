import { describe, expect, test } from 'vitest'
import { Node } from '../../../api/core/node.ts'
import { Pod } from '../../../api/core/pod.ts'
import { value } from '../../../api/quantity.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { goOn, mounting, newName } from './mounted.ts'

/** What pods read of themselves in files (test/e2e/common/storage/{downwardapi_volume,projected_downwardapi}.go). */
const pods = conformancePods('downward-api')

interface Item {
  readonly path: string
  readonly mode?: number
  readonly fieldRef?: { fieldPath: string }
  readonly resourceFieldRef?: { containerName: string; resource: string }
}
const field = (path: string, fieldPath: string): Item => ({ path, fieldRef: { fieldPath } })
const resource = (path: string, name: string): Item => ({ path, resourceFieldRef: { containerName: 'main', resource: name } })
const items = [
  field('podname', 'metadata.name'),
  field('labels', 'metadata.labels'),
  field('annotations', 'metadata.annotations'),
  resource('cpu_limit', 'limits.cpu'),
  resource('cpu_request', 'requests.cpu'),
  resource('memory_limit', 'limits.memory'),
  resource('memory_request', 'requests.memory'),
]

const resources = { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '1250m', memory: '128Mi' } }

const volumes: Record<string, (items: Item[], defaultMode?: number) => object> = {
  'Downward API volume': (items, defaultMode) => ({ downwardAPI: { items, defaultMode } }),
  'Projected downwardAPI': (items, defaultMode) => ({ projected: { defaultMode, sources: [{ downwardAPI: { items } }] } }),
}

for (const [area, volumeOf] of Object.entries(volumes))
  describe.concurrent(area, () => {
    const read = (name: string, file: string, container = {}) =>
      pods().output(name, mounting({ podinfo: volumeOf(items) }, `cat /etc/podinfo/${file}`, { container }))

    test('should provide podname only', async () => {
      const name = newName('name')
      expect(await read(name, 'podname')).toBe(name)
    })

    test.each([
      ['should set DefaultMode on files', volumeOf(items, 0o400)],
      ['should set mode on item file', volumeOf([{ ...field('podname', 'metadata.name'), mode: 0o400 }])],
    ])('%s', async (_, podinfo) => {
      expect(await pods().output(newName('mode'), mounting({ podinfo }, 'stat -L -c %A /etc/podinfo/podname'))).toBe(
        '-r--------\n',
      )
    })

    // Whole units, rounded up.
    test.each([
      ["should provide container's cpu limit", 'cpu_limit', '2'],
      ["should provide container's cpu request", 'cpu_request', '1'],
      ["should provide container's memory limit", 'memory_limit', '134217728'],
      ["should provide container's memory request", 'memory_request', '33554432'],
    ])('%s', async (_, file, sees) => {
      expect(await read(newName('resources'), file, { resources })).toBe(sees)
    })

    test.each([
      ['should provide node allocatable (cpu) as default cpu limit if the limit is not set', 'cpu_limit', 'cpu'],
      ['should provide node allocatable (memory) as default memory limit if the limit is not set', 'memory_limit', 'memory'],
    ])('%s', async (_, file, name) => {
      const { status } = await pods().cluster.client.get(Node, { name: 'node-1' })
      const allocatable = Math.ceil(value(status.allocatable?.[name] ?? '0'))
      expect(allocatable).toBeGreaterThan(0)
      expect(await read(newName('allocatable'), file)).toBe(`${allocatable}`)
    })

    test.each([
      ['labels', { key1: 'value1', key2: 'value2' }, { key3: 'value3' }, 'key1="value1"\nkey2="value2"', '\nkey3="value3"'],
      ['annotations', { builder: 'bar' }, { builder: 'foo' }, 'builder="bar"', 'builder="foo"'],
    ])('should update %s on modification', async (file, first, then, sees, seesThen) => {
      const name = newName('updated')
      const now = async () => (await pods().exec(name, ['cat', `/etc/podinfo/${file}`])).stdout
      await pods().pod(name, mounting({ podinfo: volumeOf(items) }, goOn), { [file]: first })
      await pods().ready(name)
      expect(await now()).toContain(sees)
      await pods().cluster.client.patch(Pod, { namespace: pods().namespace, name }, 'merge', { metadata: { [file]: then } })
      await eventually(async () => expect(await now()).toContain(seesThen), { timeoutInMs: 30_000 })
    })
  })
