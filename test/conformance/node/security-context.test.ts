import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'
import { makeImage, shell } from '../../support/images.ts'
import { whoAmI } from '../../support/who-am-i.ts'

/** An image with a program that becomes root for whoever runs it, unless that is forbidden. */
const setuidImage = 'wherry/conformance-setuid:1'
const ready = conformancePods('security')
let removeImage: (() => Promise<unknown>) | undefined
beforeAll(async () => {
  const files = [{ path: 'bin/whoami-by-setuid', mode: 0o4755, content: whoAmI() }]
  removeImage = await makeImage(setuidImage, { config: shell, files })
})
afterAll(() => removeImage?.())

const tellUser = ['sh', '-c', 'whoami-by-setuid; echo $?']

describe.concurrent('Security Context', () => {
  describe('When creating a container with runAsUser', () => {
    test('should run the container with uid 65534', async () => {
      const container = { command: ['sh', '-c', 'id -u; test $(id -u) -eq 65534'], securityContext: { runAsUser: 65534 } }
      expect(await ready().output('user-65534', { container })).toBe('65534\n')
    })
  })

  describe('When creating a pod with privileged', () => {
    const command = ['sh', '-c', 'ip link add dummy0 type dummy 2>&1 || true']

    test('should run the container as unprivileged when false', async () => {
      const container = { command, securityContext: { privileged: false } }
      expect(await ready().output('unprivileged', { container })).toContain('Operation not permitted')
    })
  })

  describe('When creating a pod with readOnlyRootFilesystem', () => {
    const command = ['sh', '-c', 'touch checkfile']

    test('should run the container with writable rootfs when readOnlyRootFilesystem=false', async () => {
      expect(
        await ready().output('writable', { container: { command, securityContext: { readOnlyRootFilesystem: false } } }),
      ).toBe('')
    })

    test('should run the container with readonly rootfs when readOnlyRootFilesystem=true', async () => {
      const container = { command, securityContext: { readOnlyRootFilesystem: true } }
      await ready().pod('readonly', { restartPolicy: 'Never', container })
      await ready().phase('readonly', 'Failed')
      expect(await ready().logs('readonly')).toContain('Read-only file system')
    })
  })

  describe('when creating containers with AllowPrivilegeEscalation', () => {
    const told = (name: string, allowPrivilegeEscalation?: boolean) => {
      const securityContext = { runAsUser: 1000, ...(allowPrivilegeEscalation !== undefined && { allowPrivilegeEscalation }) }
      return ready().output(name, { container: { image: setuidImage, command: tellUser, securityContext } })
    }

    test('should not allow privilege escalation when false', async () => {
      expect(await told('escalation-false', false)).toBe(`${1000 % 256}\n`)
    })

    test('should allow privilege escalation when true', async () => {
      expect(await told('escalation-true', true)).toBe('0\n')
    })

    test('should allow privilege escalation when not explicitly set and uid != 0', async () => {
      expect(await told('escalation-unset')).toBe('0\n')
    })
  })

  test('should support pod.Spec.SecurityContext.RunAsUser And pod.Spec.SecurityContext.RunAsGroup', async () => {
    const securityContext = { runAsUser: 1001, runAsGroup: 2002 }
    const printed = await ready().output('pod-user', { securityContext, container: { command: ['sh', '-c', 'id'] } })
    expect(printed).toMatch(/^uid=1001 gid=2002\b/)
  })

  test('should support container.SecurityContext.RunAsUser And container.SecurityContext.RunAsGroup', async () => {
    const container = { command: ['sh', '-c', 'id'], securityContext: { runAsUser: 1002, runAsGroup: 2002 } }
    const printed = await ready().output('container-user', { securityContext: { runAsUser: 1001, runAsGroup: 2001 }, container })
    expect(printed).toMatch(/^uid=1002 gid=2002\b/)
  })
})
