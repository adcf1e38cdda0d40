import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kinds } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/transport.ts'
import { daemonSet } from '../../controllers/daemonset/controller.ts'
import { namespace } from '../../controllers/namespace/controller.ts'
import { serviceAccount } from '../../controllers/service-account/service-account.ts'
import { statefulSet } from '../../controllers/statefulset/controller.ts'
import { systemClock } from '../../lib/clock.ts'
import { hasKubectl, type Said, startServer, type TestServer } from '../support/server.ts'

if (!hasKubectl) test('kubectl is not on the PATH: nothing was compared with it', () => expect(hasKubectl).toBe(false))

const manifests = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, annotations: {kubernetes.io/change-cause: first}}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: "app:1"}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: main, image: "app:1"}]}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
`

let server: TestServer

beforeAll(async () => {
  server = await startServer({ controllers: [serviceAccount, namespace(kinds), statefulSet, daemonSet()] })
  const { code, err } = await server.wherry(['apply', '-f', await server.file('sets.yaml', manifests)])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  // No kubelet is here to say that they are ready, which new nodes are not.
  for (const name of ['n1', 'n2']) {
    const node = { group: '', version: 'v1', resource: 'nodes', name } as const
    await server.transport().call({ ...node, verb: 'patch', patchType: 'merge', body: { spec: { taints: null } } })
  }
})
afterAll(() => server[Symbol.asyncDispose]())

/** Has every pod run and be ready, over and over, until something is through. */
async function whileReady<T>(task: Promise<T>): Promise<T> {
  const done = new AbortController()
  void task.finally(() => done.abort())
  const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' }
  while (!done.signal.aborted) {
    const { items } = (await server.transport().call({ ...pods, verb: 'list' })) as { items: KubeObject[] }
    for (const { metadata } of items) {
      const body = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }
      const patch = { ...pods, verb: 'patch', name: metadata.name, subresource: 'status', patchType: 'strategic', body } as const
      // A pod that has gone meanwhile will not be ready.
      await server
        .transport()
        .call(patch)
        .catch(() => undefined)
    }
    await systemClock.sleep(10, done.signal)
  }
  return task
}

type Run = (line: string) => Promise<Said>

/** A set's life, in the words of whoever is asked to lead it. Both sets have been through it `rounds` times before. */
async function life(run: Run, name: string, rounds: number): Promise<void> {
  const said = async (line: string) => {
    const { code, out, err } = await run(line)
    expect({ line, code, err }).toEqual({ line, code: 0, err: '' })
    return out
  }
  const through = name.startsWith('sts')
    ? 'partitioned roll out complete: 2 new pods have been updated...\n'
    : 'daemon set "agent" successfully rolled out\n'
  const follow = () => whileReady(said(`rollout status ${name} --timeout=30s`))
  const image = () => said(`get ${name} -o jsonpath={.spec.template.spec.containers[0].image}`)
  expect(await follow()).toContain(through)
  expect(await said(`set image ${name} main=app:next-${rounds}`)).toMatch(/image updated\n$/)
  expect(await follow()).toContain(through)
  const first = rounds * 4 + 1
  expect(await said(`rollout history ${name}`)).toMatch(new RegExp(`\\n${first} +.*\\n${first + 1} +.*\\n`))
  expect(await said(`rollout history ${name} --revision=${first + 1}`)).toMatch(
    new RegExp(`with revision #${first + 1}\\nPod Template:[^]*app:next-${rounds}`),
  )
  expect(await said(`rollout undo ${name}`)).toMatch(/rolled back\n$/)
  expect(await follow()).toContain(through)
  expect(await image()).toBe('app:1')
  expect(await said(`rollout undo ${name} --to-revision=${first + 1}`)).toMatch(/rolled back\n$/)
  expect(await image()).toBe(`app:next-${rounds}`)
  expect(await follow()).toContain(through)
  expect(await said(`rollout undo ${name}`)).toMatch(/rolled back\n$/)
  expect(await follow()).toContain(through)
  expect(await run(`rollout undo ${name} --to-revision=99`)).toMatchObject({
    code: 1,
    err: 'error: unable to find specified revision 99 in history\n',
  })
  expect(await run(`rollout pause ${name}`)).toMatchObject({ code: 1, err: expect.stringContaining('pausing is not supported') })
}

describe.each(['sts/db', 'ds/agent'])('the rollouts of %s', name => {
  test('are followed, listed and taken back', () => life(line => server.wherry(line), name, 0), 60_000)

  test.runIf(hasKubectl)('are so by kubectl as well', () => life(line => server.kubectl(line), name, 1), 60_000)

  test.runIf(hasKubectl).each(['rollout history', 'rollout status', 'rollout undo --to-revision=99', 'rollout resume'])(
    '%s says what kubectl says',
    async verb => {
      const line = `${verb} ${name}`
      const [ours, theirs] = [await server.wherry(line), await server.kubectl(line)]
      expect(ours).toEqual(theirs)
    },
  )

  test('a restart begins one anew', async () => {
    expect(await server.wherry(`rollout restart ${name}`)).toMatchObject({ code: 0, out: expect.stringMatching(/restarted\n$/) })
    const { out } = await server.wherry(`rollout status ${name} --watch=false`)
    expect(out).toMatch(/^Waiting for/)
    expect(await whileReady(server.wherry(`rollout status ${name} --timeout=30s`))).toMatchObject({ code: 0 })
  })
})
