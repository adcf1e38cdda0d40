import { describe, expect, test } from 'vitest'
import { conformancePods } from '../../support/conformance.ts'
import { eventually } from '../../support/eventually.ts'
import { busybox, type PodSpec } from '../../support/real-pods.ts'
import { goOn, mounting, newName } from './mounted.ts'

/** Empty directories (test/e2e/common/storage/empty_dir.go). */
const pods = conformancePods('empty-dir')

const onDisk = { emptyDir: {} }
const inMemory = { emptyDir: { medium: 'Memory' } }

/** The level is for SELinux; without it nobody minds. */
const as = (runAsUser?: number): PodSpec => ({ securityContext: { seLinuxOptions: { level: 's0' }, runAsUser } })
const root = as()
const nonRoot = as(1001)

/** What holds the volume, if it is the machine's memory. */
const fileSystem = `awk '$2 == "/etc/volume" && $3 == "tmpfs" { print $3 }' /proc/mounts`

const cases: [name: string, volume: object, spec: PodSpec, mode: string, sees: string][] = [
  ['should support (root,0644,tmpfs)', inMemory, root, '0644', 'tmpfs\n0 -rw-r--r--\n'],
  ['should support (root,0666,tmpfs)', inMemory, root, '0666', 'tmpfs\n0 -rw-rw-rw-\n'],
  ['should support (root,0777,tmpfs)', inMemory, root, '0777', 'tmpfs\n0 -rwxrwxrwx\n'],
  ['should support (non-root,0644,tmpfs)', inMemory, nonRoot, '0644', 'tmpfs\n1001 -rw-r--r--\n'],
  ['should support (non-root,0666,tmpfs)', inMemory, nonRoot, '0666', 'tmpfs\n1001 -rw-rw-rw-\n'],
  ['should support (non-root,0777,tmpfs)', inMemory, nonRoot, '0777', 'tmpfs\n1001 -rwxrwxrwx\n'],
  ['should support (root,0644,default)', onDisk, root, '0644', '0 -rw-r--r--\n'],
  ['should support (root,0666,default)', onDisk, root, '0666', '0 -rw-rw-rw-\n'],
  ['should support (root,0777,default)', onDisk, root, '0777', '0 -rwxrwxrwx\n'],
  ['should support (non-root,0644,default)', onDisk, nonRoot, '0644', '1001 -rw-r--r--\n'],
  ['should support (non-root,0666,default)', onDisk, nonRoot, '0666', '1001 -rw-rw-rw-\n'],
  ['should support (non-root,0777,default)', onDisk, nonRoot, '0777', '1001 -rwxrwxrwx\n'],
]

describe.concurrent('EmptyDir volumes', () => {
  test.each(cases)('%s', async (_, volume, spec, mode, sees) => {
    const file = '/etc/volume/file'
    const script = `umask 0; echo written > ${file} && chmod ${mode} ${file}; ${fileSystem}; stat -c '%u %A' ${file}; cat ${file}`
    expect(await pods().output(newName('writes'), mounting({ volume }, script, spec))).toBe(`${sees}written\n`)
  })

  test.each([
    ['volume on default medium should have the correct mode', onDisk, ''],
    ['volume on tmpfs should have the correct mode', inMemory, 'tmpfs\n'],
  ])('%s', async (_, volume, held) => {
    const script = `${fileSystem}; stat -c %A /etc/volume`
    expect(await pods().output(newName('looks'), mounting({ volume }, script, root))).toBe(`${held}drwxrwxrwx\n`)
  })

  test('pod should support shared volumes between containers', async () => {
    const name = newName('shares')
    const volumeMounts = [{ name: 'shared', mountPath: '/data' }]
    await pods().pod(name, {
      restartPolicy: 'Never',
      volumes: [{ name: 'shared', emptyDir: {} }],
      containers: [
        { name: 'main', image: busybox, command: goOn, volumeMounts: [{ name: 'shared', mountPath: '/elsewhere' }] },
        { name: 'other', image: busybox, command: ['sh', '-c', 'echo hello > /data/file'], volumeMounts },
      ],
    })
    await pods().phase(name, 'Running')
    await eventually(async () => expect((await pods().exec(name, 'cat /elsewhere/file')).stdout).toBe('hello\n'))
  })
})
