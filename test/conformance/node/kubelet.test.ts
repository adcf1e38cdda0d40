import { describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'

/** test/e2e/common/node/kubelet.go: output, ends, host names and the root file system of plain pods. */
const pods = conformancePods('kubelet-test')

describe.concurrent('Kubelet', () => {
  describe.concurrent('when scheduling a busybox command in a pod', () => {
    test('should print the output to logs', async () => {
      const command = ['sh', '-c', "echo 'Hello World' ; sleep 240"]
      await pods().pod('says', { restartPolicy: 'Never', container: { command } })
      await pods().phase('says', 'Running')
      await eventually(async () => expect(await pods().logs('says')).toBe('Hello World\n'))
    })
  })

  describe.concurrent('when scheduling a busybox command that always fails in a pod', () => {
    test('should have an terminated reason', async () => {
      await pods().pod('fails', { restartPolicy: 'Never', container: { command: ['/bin/false'] } })
      const { containerStatuses } = (await pods().phase('fails', 'Failed')).status
      expect(containerStatuses).toMatchObject([{ state: { terminated: { exitCode: 1, reason: 'Error' } } }])
    })

    test('should be possible to delete', async () => {
      await pods().pod('goes', { restartPolicy: 'Never', container: { command: ['/bin/false'] } })
      await pods().remove('goes')
      await pods().pod('goes', { restartPolicy: 'Never', container: { command: ['/bin/false'] } })
      await pods().phase('goes', 'Failed')
      await pods().remove('goes')
    })
  })

  describe.concurrent('when scheduling an agnhost Pod with hostAliases', () => {
    test('should write entries to /etc/hosts', async () => {
      const hostAliases = [{ ip: '123.45.67.89', hostnames: ['foo', 'bar'] }]
      const output = await pods().output('aliases', { hostAliases, container: { command: ['cat', '/etc/hosts'] } })
      expect(output).toContain('\n# Entries added by HostAliases.\n123.45.67.89\tfoo\tbar\n')
    })
  })

  describe.concurrent('when scheduling a read only busybox container', () => {
    test('should not write to root filesystem', async () => {
      const command = ['/bin/sh', '-c', 'echo test > /file; sleep 240']
      const container = { command, securityContext: { readOnlyRootFilesystem: true } }
      await pods().pod('read-only', { restartPolicy: 'Never', container })
      await pods().phase('read-only', 'Running')
      await eventually(async () =>
        expect(await pods().logs('read-only')).toBe("/bin/sh: can't create /file: Read-only file system\n"),
      )
    })
  })
})
