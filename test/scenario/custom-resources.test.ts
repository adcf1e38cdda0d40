import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kinds } from '../../api/kinds.ts'
import { garbageCollector } from '../../controllers/garbage-collector/controller.ts'
import { namespace } from '../../controllers/namespace/controller.ts'
import { serviceAccount } from '../../controllers/service-account/service-account.ts'
import { manifestsDir } from '../support/manifests.ts'
import { hasKubectl, startServer, type TestServer } from '../support/server.ts'

if (!hasKubectl) test('kubectl is not on the PATH: custom resources were not tried with it', () => expect(hasKubectl).toBe(false))

describe.skipIf(!hasKubectl)('custom resources with the real kubectl', () => {
  let server: TestServer
  const manifest = (name: string) => join(manifestsDir, name)

  async function ok(line: string | readonly string[], stdin = ''): Promise<string> {
    const { code, out, err } = await server.kubectl(line, { stdin })
    expect(code, `kubectl ${String(line)}: ${err}`).toBe(0)
    return out
  }

  async function refused(line: string, stdin = ''): Promise<string> {
    const { code, err } = await server.kubectl(line, { stdin })
    expect(code, `kubectl ${line}`).not.toBe(0)
    return err
  }

  const boat = (name: string, spec: object, metadata: object = {}) =>
    JSON.stringify({ apiVersion: 'harbour.example.com/v1', kind: 'Boat', metadata: { name, ...metadata }, spec })

  beforeAll(async () => {
    server = await startServer({ controllers: [serviceAccount, namespace(kinds), garbageCollector(kinds)] })
    await ok(`apply -f ${manifest('custom-resource.yaml')}`)
    await ok('wait --for=condition=Established --timeout=10s crd/boats.harbour.example.com')
    await ok(`apply -f ${manifest('custom-resource-boat.yaml')}`)
  }, 60_000)
  afterAll(() => server[Symbol.asyncDispose]())

  test('columns, short names and categories', async () => {
    const rows = (await ok('get bo')).split('\n').map(line => line.trim().split(/\s{2,}/))
    expect(rows[0]).toEqual(['NAME', 'COLOUR', 'SEATS', 'TAKEN', 'AGE'])
    expect(rows[1]?.slice(0, 3)).toEqual(['nina', 'red', '2'])
    const own = await server.wherry('get bo')
    expect(own.out.split('\n')[1]).toMatch(/^nina\s+red\s+2\s+\d+s/)
    expect(await ok('get all')).toContain('boat.harbour.example.com/nina')
    expect(await ok('api-resources --api-group=harbour.example.com --no-headers')).toMatch(
      /^boats\s+bo\s+harbour.example.com\/v1\s+true\s+Boat/,
    )
  })

  test('explain', async () => {
    const page = await ok('explain boats.spec')
    expect(page).toContain('What it is like.')
    expect(page).toContain('How many may sail in it.')
    expect(page).toMatch(/colour\s+<string> -required-/)
    expect((await server.wherry('explain boats.spec')).out).toContain('How many may sail in it.')
    expect(await ok('explain boats --recursive')).toMatch(/metadata\s+<ObjectMeta>/)
  })

  test('applying again changes nothing; a change is seen by diff and applied', async () => {
    expect(await ok(`apply -f ${manifest('custom-resource-boat.yaml')}`)).toContain('unchanged')
    const given = boat('nina', { colour: 'blue' })
    const { code, out } = await server.kubectl('diff -f -', { stdin: given })
    expect([code, out]).toEqual([1, expect.stringContaining('+  colour: blue')])
    await ok('apply -f -', given)
    expect(await ok('get bo nina -o jsonpath={.spec.colour}-{.spec.seats}-{.metadata.generation}')).toBe('blue-2-2')
  })

  test('server-side apply', async () => {
    await ok('apply --server-side --field-manager=one -f -', boat('santa-maria', { colour: 'red', seats: 9 }))
    const conflict = await refused('apply --server-side --field-manager=two -f -', boat('santa-maria', { colour: 'blue' }))
    expect(conflict).toContain('conflict with "one"')
    await ok('apply --server-side --field-manager=two --force-conflicts -f -', boat('santa-maria', { colour: 'blue' }))
    expect(await ok('get bo santa-maria -o jsonpath={.spec}')).toBe('{"colour":"blue","seats":9}')
  })

  test.each<[string, object, string]>([
    ['an unknown field', { colour: 'red', sail: 1 }, 'strict decoding error: unknown field "spec.sail"'],
    ['another word', { colour: 'green' }, 'spec.colour: Unsupported value: "green": supported values: "red", "blue"'],
    ['a broken rule', { colour: 'blue', seats: 11 }, 'spec: Invalid value: "object": only red boats have more than ten seats'],
    ['a missing field', {}, 'spec.colour: Required value'],
  ])('%s is refused', async (_, spec, message) => {
    expect(await refused('create -f -', boat('wreck', spec))).toContain(message)
  })

  test('status and scale', async () => {
    await ok(['patch', 'bo', 'nina', '--subresource=status', '--type=merge', '-p', '{"status":{"taken":1},"spec":{"seats":7}}'])
    expect(await ok('get bo nina -o jsonpath={.status.taken}-{.spec.seats}')).toBe('1-2')
    expect(await ok('scale bo nina --replicas=3')).toContain('scaled')
    expect(await ok('get bo nina -o jsonpath={.spec.seats}')).toBe('3')
  })

  test('a watch sees what comes', async () => {
    const child = spawn('kubectl', [`--kubeconfig=${join(server.folder, 'admin')}`, 'get', 'bo', '-w', '--no-headers'])
    let seen = ''
    child.stdout.on('data', chunk => {
      seen += String(chunk)
    })
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('nina')
    await ok('create -f -', boat('pinta', { colour: 'red' }))
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('pinta')
    child.kill()
  })

  test('a finalizer holds an object, and one without a domain is warned of', async () => {
    const { err } = await server.kubectl('create -f -', { stdin: boat('held', { colour: 'red' }, { finalizers: ['anchor'] }) })
    expect(err).toContain('prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers')
    await ok('delete bo held --wait=false')
    expect(await ok('get bo held -o jsonpath={.metadata.deletionTimestamp}')).not.toBe('')
    await ok(['patch', 'bo', 'held', '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]'])
    expect(await refused('get bo held')).toContain('boats.harbour.example.com "held" not found')
  })

  test('what they own goes with them, and they with what owns them', async () => {
    await ok('create -f -', boat('fleet', { colour: 'red' }))
    const owner = async (resource: string, apiVersion: string, kind: string, name: string) => {
      const uid = await ok(`get ${resource} ${name} -o jsonpath={.metadata.uid}`)
      return { ownerReferences: [{ apiVersion, kind, name, uid }] }
    }
    const metadata = await owner('bo', 'harbour.example.com/v1', 'Boat', 'fleet')
    await ok('create -f -', JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'log', ...metadata } }))
    await ok('create -f -', boat('dinghy', { colour: 'red' }, await owner('cm', 'v1', 'ConfigMap', 'log')))
    await ok('delete bo fleet')
    const left = async () => (await ok('get bo,cm -o name')).split('\n').filter(name => /log|dinghy|fleet/.test(name))
    await expect.poll(left, { timeout: 10_000 }).toEqual([])
  })

  test('they go with their namespace', async () => {
    await ok('create namespace bay')
    await ok('create -n bay -f -', boat('nina', { colour: 'red' }))
    await ok('delete namespace bay --timeout=30s')
    expect(await ok('get bo -A -o jsonpath={.items[*].metadata.namespace}')).not.toContain('bay')
  })

  test('when its definition goes, all is gone', async () => {
    await ok('delete crd boats.harbour.example.com')
    expect(await refused('get boats.harbour.example.com')).toContain(`the server doesn't have a resource type "boats"`)
  })
})
