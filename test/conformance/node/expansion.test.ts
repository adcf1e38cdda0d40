import { describe, expect, test } from 'vitest'
import { Pod } from '../../../api/core/pod.ts'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'

/** test/e2e/common/node/expansion.go: `$(NAME)` in environment, command, arguments and subPathExpr. */
const pods = conformancePods('var-expansion')

const volumes = [{ name: 'workdir1', emptyDir: {} }]
const annotation = { name: 'ANNOTATION', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['mysubpath']" } } }
const annotatedPath = {
  command: ['sh', '-c', 'tail -f /dev/null'],
  env: [{ name: 'POD_NAME', value: 'foo' }, annotation],
  volumeMounts: [
    { name: 'workdir1', mountPath: '/subpath_mount', subPathExpr: '$(ANNOTATION)/$(POD_NAME)' },
    { name: 'workdir1', mountPath: '/volume_mount' },
  ],
}

/** Creates a pod whose subPathExpr becomes this text, and waits until it is told that this cannot be. */
async function refusesSubPath(name: string, path: string): Promise<string> {
  const mount = { name: 'workdir1', mountPath: '/logscontainer', subPathExpr: '$(POD_NAME)' }
  await pods().pod(name, { volumes, container: { env: [{ name: 'POD_NAME', value: path }], volumeMounts: [mount] } })
  const waiting = await eventually(async () => {
    const found = (await pods().get(name)).status.containerStatuses?.[0]?.state.waiting
    expect(found?.reason).toBe('CreateContainerConfigError')
    return found
  })
  await pods().remove(name)
  return waiting?.message ?? ''
}

const annotate = (name: string, mysubpath: string) =>
  pods().cluster.client.patch(Pod, { namespace: pods().namespace, name }, 'merge', { metadata: { annotations: { mysubpath } } })

describe.concurrent('Variable Expansion', () => {
  test('should allow composing env vars into new env vars', async () => {
    const env = [
      { name: 'FOO', value: 'foo-value' },
      { name: 'BAR', value: 'bar-value' },
      { name: 'FOOBAR', value: '$(FOO);;$(BAR)' },
    ]
    const lines = (await pods().output('composed', { container: { command: ['sh', '-c', 'env'], env } })).split('\n')
    expect(lines).toEqual(expect.arrayContaining(['FOO=foo-value', 'BAR=bar-value', 'FOOBAR=foo-value;;bar-value']))
  })

  test("should allow substituting values in a container's command", async () => {
    const env = [{ name: 'TEST_VAR', value: 'test-value' }]
    const command = ['sh', '-c', 'TEST_VAR=wrong echo "$(TEST_VAR)"']
    expect(await pods().output('command', { container: { command, env } })).toBe('test-value\n')
  })

  test("should allow substituting values in a container's args", async () => {
    const env = [{ name: 'TEST_VAR', value: 'test-value' }]
    const container = { command: ['sh', '-c'], args: ['TEST_VAR=wrong echo "$(TEST_VAR)"'], env }
    expect(await pods().output('args', { container })).toBe('test-value\n')
  })

  test('should allow substituting values in a volume subpath', async () => {
    const container = {
      command: ['sh', '-c', 'test -d /testcontainer/my-pod; echo $?'],
      env: [{ name: 'POD_NAME', value: 'my-pod' }],
      volumeMounts: [
        { name: 'workdir1', mountPath: '/logscontainer', subPathExpr: '$(POD_NAME)' },
        { name: 'workdir1', mountPath: '/testcontainer' },
      ],
    }
    expect(await pods().output('subpath', { volumes, container })).toBe('0\n')
  })

  test('should fail substituting values in a volume subpath with backticks', async () => {
    expect(await refusesSubPath('backticks', '..')).toContain("must not contain '..'")
  })

  test('should fail substituting values in a volume subpath with absolute path', async () => {
    expect(await refusesSubPath('absolute', '/tmp')).toContain('must not be an absolute path')
  })

  test('should verify that a failing subpath expansion can be modified during the lifecycle of a container', async () => {
    await pods().pod('repaired', { volumes, container: annotatedPath }, { annotations: { notmysubpath: 'mypath' } })
    await eventually(async () => {
      const { status } = await pods().get('repaired')
      expect(status.containerStatuses?.[0]?.state.waiting?.reason).toBe('CreateContainerConfigError')
      expect(status.phase).toBe('Pending')
    })
    await annotate('repaired', 'mypath')
    await pods().phase('repaired', 'Running')
    await pods().remove('repaired')
  })

  test('should succeed in writing subpaths in container', async () => {
    await pods().pod('writes', { volumes, container: annotatedPath }, { annotations: { mysubpath: 'mypath' } })
    await pods().phase('writes', 'Running')
    expect((await pods().exec('writes', 'touch /volume_mount/mypath/foo/test.log')).exitCode).toBe(0)
    expect((await pods().exec('writes', 'test -f /subpath_mount/test.log')).exitCode).toBe(0)
    await annotate('writes', 'mynewpath')
    expect((await pods().phase('writes', 'Running')).status.containerStatuses?.[0]?.restartCount).toBe(0)
    await pods().remove('writes')
  })
})
