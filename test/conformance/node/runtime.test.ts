import { describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'

/** test/e2e/common/node/runtime.go: restarts, phases and last words of containers that end. */
const pods = conformancePods('container-runtime')

/** Fails the first time, succeeds the second, and then stays. */
const thrice = `
echo hello >> /restart-count/restartCount
case $(wc -l < /restart-count/restartCount) in
  1) exit 1 ;;
  2) exit 0 ;;
esac
while true; do sleep 1; done`

const cases = [
  { restartPolicy: 'Always', phase: 'Running', state: 'running', restartCount: 2, ready: true },
  { restartPolicy: 'OnFailure', phase: 'Succeeded', state: 'terminated', restartCount: 1, ready: false },
  { restartPolicy: 'Never', phase: 'Failed', state: 'terminated', restartCount: 0, ready: false },
] as const

/** What a container that ends so leaves behind. */
async function lastWords(name: string, phase: 'Succeeded' | 'Failed', container: object): Promise<string> {
  await pods().pod(name, { restartPolicy: 'Never', container: { command: ['/bin/sh', '-c'], ...container } })
  const { containerStatuses } = (await pods().phase(name, phase)).status
  const terminated = containerStatuses?.[0]?.state.terminated
  expect(terminated).toBeDefined()
  await pods().remove(name)
  return terminated?.message ?? ''
}

describe.concurrent('Container Runtime', () => {
  describe.concurrent('blackbox test', () => {
    describe.concurrent('when starting a container that exits', () => {
      test('should run with the expected status', async () => {
        const volumes = [{ name: 'restart-count', emptyDir: { medium: 'Memory' } }]
        const volumeMounts = [{ name: 'restart-count', mountPath: '/restart-count' }]
        await Promise.all(
          cases.map(async ({ restartPolicy, phase, state, restartCount, ready }) => {
            const name = `terminate-${restartPolicy.toLowerCase()}`
            await pods().pod(name, { restartPolicy, volumes, container: { command: ['sh', '-c', thrice], volumeMounts } })
            await eventually(
              async () => {
                const { status } = await pods().get(name)
                const container = status.containerStatuses?.[0]
                const condition = status.conditions?.find(({ type }) => type === 'Ready')?.status
                expect({ phase: status.phase, restartCount: container?.restartCount, condition }).toEqual({
                  ...{ phase, restartCount },
                  condition: ready ? 'True' : 'False',
                })
                expect(Object.keys(container?.state ?? {})).toEqual([state])
              },
              { timeoutInMs: 120_000 },
            )
            await pods().remove(name)
          }),
        )
      })
    })

    describe.concurrent('on terminated container', () => {
      test('should report termination message if TerminationMessagePath is set as non-root user and at a non-default path', async () => {
        const container = {
          args: ['/bin/echo -n DONE > /dev/termination-custom-log'],
          terminationMessagePath: '/dev/termination-custom-log',
          securityContext: { runAsUser: 10_000 },
        }
        expect(await lastWords('custom-path', 'Succeeded', container)).toBe('DONE')
      })

      test('should report termination message from log output if TerminationMessagePolicy FallbackToLogsOnError is set', async () => {
        const container = { args: ['/bin/echo -n DONE; /bin/false'], terminationMessagePolicy: 'FallbackToLogsOnError' }
        expect(await lastWords('from-log', 'Failed', container)).toBe('DONE')
      })

      test('should report termination message as empty when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set', async () => {
        const container = { args: ['/bin/echo -n DONE; /bin/true'], terminationMessagePolicy: 'FallbackToLogsOnError' }
        expect(await lastWords('no-message', 'Succeeded', container)).toBe('')
      })

      test('should report termination message from file when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set', async () => {
        const container = {
          args: ['/bin/echo -n OK > /dev/termination-log; /bin/echo DONE; /bin/true'],
          terminationMessagePolicy: 'FallbackToLogsOnError',
        }
        expect(await lastWords('from-file', 'Succeeded', container)).toBe('OK')
      })
    })
  })
})
