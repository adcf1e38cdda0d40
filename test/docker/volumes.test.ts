import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Event } from '../../api/core/event.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { Secret } from '../../api/core/secret.ts'
import { isReady } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { type Program, program } from '../support/program.ts'

/** Volumes of real containers: what they see, what they may do, and what they cannot get out of. */
let cluster: Program
let host = ''
beforeAll(async () => {
  cluster = await program()
  host = join(cluster.folder, 'host')
  await mkdir(host)
  await cluster.up()
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

const namespace = 'default'
const image = 'busybox:1.36'
const forever = 'trap "exit 0" TERM; while :; do sleep 1; done'

interface PodParts {
  volumes: object[]
  mounts?: object[]
  command?: string
  init?: object[]
  more?: object[]
  container?: object
  spec?: object
  metadata?: object
}

async function run(
  name: string,
  { volumes, mounts = [], command = forever, init, more = [], container, spec, metadata }: PodParts,
) {
  const main = { name: 'main', image, command: ['sh', '-c', command], volumeMounts: mounts, ...container }
  const pod = {
    metadata: { name, namespace, ...metadata },
    spec: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 1,
      volumes,
      containers: [main, ...more],
      initContainers: init,
      ...spec,
    },
  }
  return cluster.client.create(Pod, pod as never)
}
const started = async (name: string, parts: PodParts) => {
  await run(name, parts)
  return eventually(async () => {
    const pod = await cluster.pod(name)
    expect(isReady(pod), JSON.stringify(pod.status.containerStatuses ?? pod.status, undefined, 1)).toBe(true)
    return pod
  })
}
const within = (name: string, script: string, container = 'main') =>
  cluster.ok('exec', name, '-c', container, '--', 'sh', '-c', script).then(text => text.trimEnd())
const gone = async (...names: string[]) => {
  for (const name of names) await cluster.client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0 })
  await eventually(async () => {
    const left = (await cluster.pods()).map(pod => pod.metadata.name)
    for (const name of names) expect(left).not.toContain(name)
  })
}
const eventsOf = async (name: string) => {
  const { items } = await cluster.client.list(Event, { namespace, fieldSelector: `involvedObject.name=${name}` })
  return items.map(({ reason, message }) => `${reason}: ${message}`).join('\n')
}
const waitingOf = async (name: string, container = 'main') => {
  const { status } = await cluster.pod(name)
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].find(one => one.name === container)?.state
    ?.waiting
}
/** Everything that is mounted anywhere below the cluster's folder. */
const mounts = async () => {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table.split('\n').flatMap(line => (line.includes(`${cluster.dataDir}/`) ? [line.split(' ')[4] ?? ''] : []))
}
const podMounts = async () => (await mounts()).filter(place => place.includes('/pods/'))

test('ConfigMaps and Secrets are files: keys, items, modes, bytes, optional ones, groups; secrets are in memory', async () => {
  await cluster.client.create(ConfigMap, {
    metadata: { name: 'settings', namespace },
    data: { color: 'red', size: 'big' },
    binaryData: { bytes: Buffer.from([0, 255, 10]).toString('base64') },
  })
  await cluster.client.create(Secret, {
    metadata: { name: 'keys', namespace },
    data: { key: Buffer.from('s3cret').toString('base64') },
  })
  await started('files', {
    volumes: [
      { name: 'all', configMap: { name: 'settings', defaultMode: 0o640 } },
      { name: 'some', configMap: { name: 'settings', items: [{ key: 'color', path: 'a/b/hue', mode: 0o400 }] } },
      { name: 'none', configMap: { name: 'missing', optional: true } },
      { name: 'keys', secret: { secretName: 'keys' } },
    ],
    mounts: ['all', 'some', 'none', 'keys'].map(name => ({ name, mountPath: `/${name}` })),
    spec: { securityContext: { fsGroup: 1234 } },
  })
  expect(await within('files', 'cat /all/color /some/a/b/hue; od -An -tx1 /all/bytes; ls /all /none')).toBe(
    'redred 00 ff 0a\n/all:\nbytes\ncolor\nsize\n\n/none:',
  )
  expect(await within('files', 'stat -L -c "%a %g" /all/color /some/a/b/hue /keys/key')).toBe('640 1234\n440 1234\n644 1234')
  expect(await within('files', 'cat /keys/key; stat -f -c " %T" /keys; touch /keys/x 2>&1 || true')).toMatch(
    /^s3cret tmpfs\n.*Read-only file system$/,
  )
})

test('a volume follows its objects; what is mounted by subPath does not', async () => {
  await started('follows', {
    volumes: [
      { name: 'settings', configMap: { name: 'settings' } },
      { name: 'later', configMap: { name: 'later', optional: true } },
      { name: 'facts', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    ],
    mounts: [
      { name: 'settings', mountPath: '/settings' },
      { name: 'settings', mountPath: '/fixed', subPath: 'color' },
      { name: 'later', mountPath: '/later' },
      { name: 'facts', mountPath: '/facts' },
    ],
    metadata: { labels: { mood: 'calm' } },
  })
  expect(await within('follows', 'cat /settings/color /fixed /facts/labels')).toBe('redredmood="calm"')
  const changedAt = performance.now()
  await cluster.client.patch(ConfigMap, { namespace, name: 'settings' }, 'merge', { data: { color: 'blue' } })
  await cluster.client.create(ConfigMap, { metadata: { name: 'later', namespace }, data: { hello: 'there' } })
  await cluster.client.patch(Pod, { namespace, name: 'follows' }, 'merge', { metadata: { labels: { mood: 'wild' } } })
  await eventually(async () =>
    expect(await within('follows', 'cat /settings/color /later/hello /facts/labels')).toBe('bluetheremood="wild"'),
  )
  expect(performance.now() - changedAt).toBeLessThan(10_000)
  expect(await within('follows', 'cat /fixed')).toBe('red')
  await gone('follows', 'files')
})

test('a projected volume has the token, the certificate and the namespace', async () => {
  await started('account', { volumes: [], spec: { securityContext: { runAsUser: 4321 } } })
  const at = '/var/run/secrets/kubernetes.io/serviceaccount'
  expect(await within('account', `cut -c1-2 ${at}/token; cat ${at}/namespace; head -1 ${at}/ca.crt`)).toBe(
    'ey\ndefault-----BEGIN CERTIFICATE-----',
  )
  expect(await within('account', `stat -L -c '%a %u' ${at}/token; stat -f -c %T ${at}`)).toBe('600 4321\ntmpfs')
  await gone('account')
})

test('what is missing is told and waited for', async () => {
  await run('waits', {
    volumes: [{ name: 'v', secret: { secretName: 'soon', items: [{ key: 'k', path: 'k' }] } }],
    mounts: [{ name: 'v', mountPath: '/v' }],
  })
  await eventually(async () =>
    expect(await eventsOf('waits')).toContain('FailedMount: MountVolume.SetUp failed for volume "v" : secret "soon" not found'),
  )
  expect(await waitingOf('waits')).toMatchObject({ reason: 'ContainerCreating' })
  await cluster.client.create(Secret, { metadata: { name: 'soon', namespace }, data: {} })
  await eventually(async () => expect(await eventsOf('waits')).toContain('references non-existent secret key: k'))
  await cluster.client.patch(Secret, { namespace, name: 'soon' }, 'merge', { data: { k: 'eA==' } })
  await eventually(async () => expect(isReady(await cluster.pod('waits'))).toBe(true))
  await gone('waits')
})

test('emptyDir: shared, survives a container, belongs to the group; in memory it is a tmpfs of its size', async () => {
  const pod = await started('scratch', {
    volumes: [
      { name: 'disk', emptyDir: {} },
      { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    ],
    mounts: [
      { name: 'disk', mountPath: '/disk' },
      { name: 'memory', mountPath: '/memory' },
    ],
    more: [
      {
        name: 'other',
        image,
        command: ['sh', '-c', forever],
        volumeMounts: [{ name: 'disk', mountPath: '/d', readOnly: true }],
        securityContext: { runAsUser: 99 },
      },
    ],
    spec: { securityContext: { fsGroup: 77 } },
  })
  await within('scratch', 'echo kept > /disk/file')
  expect(await within('scratch', 'cat /d/file; id -G; touch /d/x 2>&1 || true', 'other')).toMatch(
    /^kept\n0 77\n.*Read-only|^kept\n.*77/,
  )
  expect(
    await within('scratch', 'stat -c "%a %g" /disk /memory; stat -f -c %T /memory; df -k /memory | tail -1 | awk "{print \\$2}"'),
  ).toBe('2777 77\n2777 77\ntmpfs\n1024')
  expect(await within('scratch', 'head -c 2000000 /dev/zero > /memory/big 2>/dev/null || echo full')).toBe('full')
  await within('scratch', 'kill 1').catch(() => {})
  await eventually(async () => {
    const now = await cluster.pod('scratch')
    expect(now.status.containerStatuses?.find(one => one.name === 'main')).toMatchObject({ restartCount: 1, ready: true })
  })
  expect(await within('scratch', 'cat /disk/file; ls /memory')).toBe('kept\nbig')
  const folder = join(cluster.dataDir, 'nodes')
  await gone('scratch')
  await eventually(async () => {
    expect((await podMounts()).filter(place => place.includes(pod.metadata.uid))).toEqual([])
    for (const name of await readdir(folder)) expect(await readdir(join(folder, name, 'pods'))).not.toContain(pod.metadata.uid)
  })
})

test('hostPath: types are checked, in upstream’s words', async () => {
  await writeFile(join(host, 'file'), 'x')
  await started('host', {
    volumes: [
      { name: 'made', hostPath: { path: join(host, 'made/deep'), type: 'DirectoryOrCreate' } },
      { name: 'file', hostPath: { path: join(host, 'file'), type: 'File' } },
      { name: 'anything', hostPath: { path: join(host, 'absent') } },
    ],
    mounts: [
      { name: 'made', mountPath: '/made' },
      { name: 'file', mountPath: '/file' },
      { name: 'anything', mountPath: '/anything' },
    ],
  })
  await within('host', 'echo y > /made/y; echo z > /file')
  expect([await readFile(join(host, 'made/deep/y'), 'utf8'), await readFile(join(host, 'file'), 'utf8')]).toEqual(['y\n', 'z\n'])
  await run('refused', {
    volumes: [{ name: 'v', hostPath: { path: join(host, 'file'), type: 'Directory' } }],
    mounts: [{ name: 'v', mountPath: '/v' }],
  })
  await eventually(async () =>
    expect(await eventsOf('refused')).toContain(
      `FailedMount: MountVolume.SetUp failed for volume "v" : hostPath type check failed: ${join(host, 'file')} is not a directory`,
    ),
  )
  await gone('host', 'refused')
  expect(await readFile(join(host, 'made/deep/y'), 'utf8')).toBe('y\n')
})

test('subPath: a folder that is made, a file, an expression, read-only; and what is refused', async () => {
  await mkdir(join(host, 'sub'))
  await writeFile(join(host, 'sub/file'), 'data')
  const volumes = [{ name: 'v', hostPath: { path: join(host, 'sub') } }]
  await started('parts', {
    volumes,
    mounts: [
      { name: 'v', mountPath: '/folder', subPath: 'new/folder' },
      { name: 'v', mountPath: '/file', subPath: 'file', readOnly: true },
      { name: 'v', mountPath: '/own', subPathExpr: 'of-$(POD_NAME)' },
    ],
    container: { env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
  })
  expect(await within('parts', 'cat /file; echo 1 > /folder/f; echo 2 > /own/f; echo 3 > /file || true')).toBe('data')
  expect([await readFile(join(host, 'sub/new/folder/f'), 'utf8'), await readFile(join(host, 'sub/of-parts/f'), 'utf8')]).toEqual([
    '1\n',
    '2\n',
  ])
  await run('absolute', {
    volumes,
    mounts: [{ name: 'v', mountPath: '/v', subPathExpr: '$(WHERE)' }],
    container: { env: [{ name: 'WHERE', value: '/etc' }] },
  })
  await run('back', {
    volumes,
    mounts: [{ name: 'v', mountPath: '/v', subPathExpr: '$(WHERE)' }],
    container: { env: [{ name: 'WHERE', value: 'a/../..' }] },
  })
  const config = 'CreateContainerConfigError'
  await eventually(async () => {
    expect(await waitingOf('absolute')).toEqual({ reason: config, message: 'error SubPath `/etc` must not be an absolute path' })
    expect(await waitingOf('back')).toEqual({
      reason: config,
      message: "unable to provision SubPath `a/../..`: must not contain '..'",
    })
  })
  await gone('parts', 'absolute', 'back')
  await eventually(async () => expect(await podMounts()).toEqual([]))
})

test('a link from a volume to the machine cannot be mounted by subPath', async () => {
  const volumes = [{ name: 'v', emptyDir: {} }]
  const init = [
    {
      name: 'trap',
      image,
      command: ['sh', '-c', 'ln -s /etc /v/etc; ln -s / /v/root; ln -s /etc/passwd /v/passwd; ln -s ../../../../../.. /v/up'],
      volumeMounts: [{ name: 'v', mountPath: '/v' }],
    },
  ]
  for (const [i, subPath] of ['etc', 'root/etc', 'passwd', 'up'].entries()) {
    const name = `trapped-${i}`
    await run(name, { volumes, init, mounts: [{ name: 'v', mountPath: '/stolen', subPath }] })
    await eventually(async () =>
      expect(await waitingOf(name)).toEqual({
        reason: 'CreateContainerConfigError',
        message: 'failed to prepare subPath for volumeMount "v" of container "main"',
      }),
    )
  }
  await gone('trapped-0', 'trapped-1', 'trapped-2', 'trapped-3')
})

test('a folder that is swapped for a link while containers start never leads outside', async () => {
  await mkdir(join(host, 'race/dir'), { recursive: true })
  await writeFile(join(host, 'race/dir/mark'), 'inside')
  await mkdir(join(host, 'outside'))
  await writeFile(join(host, 'outside/mark'), 'OUTSIDE')
  await symlink('../outside', join(host, 'race/link'))
  // The race is run by a container, as an attacker would.
  await started('attacker', {
    volumes: [{ name: 'v', hostPath: { path: join(host, 'race') } }],
    mounts: [{ name: 'v', mountPath: '/v' }],
    command: 'cd /v; while :; do mv -T dir spare; mv -T link dir; mv -T dir link; mv -T spare dir; done',
  })
  const names = Array.from({ length: 6 }, (_, i) => `victim-${i}`)
  for (const name of names)
    await run(name, {
      volumes: [{ name: 'v', hostPath: { path: join(host, 'race') } }],
      mounts: [{ name: 'v', mountPath: '/v', subPath: 'dir' }],
      command: 'cat /v/mark',
    })
  const seen = new Map<string, number>()
  await eventually(
    async () => {
      for (const name of names) {
        const pod = await cluster.pod(name)
        const { waiting } = pod.status.containerStatuses?.[0]?.state ?? {}
        const log = await cluster.wherry('logs', name)
        const what = log.code === 0 ? log.out : (waiting?.reason ?? '')
        seen.set(what, (seen.get(what) ?? 0) + 1)
      }
      expect([...seen.values()].reduce((a, b) => a + b)).toBeGreaterThan(30)
      expect([...seen.keys()]).toContain('inside')
    },
    { timeoutInMs: 60_000, everyMs: 500 },
  )
  expect([...seen.keys()].filter(text => text.includes('OUTSIDE'))).toEqual([])
  await gone('attacker', ...names)
})

async function claimed(
  name: string,
  volume: object,
  { mode = 'ReadWriteOnce', ...claim }: { mode?: string; volumeMode?: string } = {},
) {
  const shared = { accessModes: [mode], storageClassName: '', ...claim }
  const nodeSelectorTerms = [{ matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }] }]
  await cluster.client.create(PersistentVolume, {
    metadata: { name },
    spec: { ...shared, capacity: { storage: '1Gi' }, nodeAffinity: { required: { nodeSelectorTerms } }, ...volume },
  } as never)
  await cluster.client.create(PersistentVolumeClaim, {
    metadata: { name, namespace },
    spec: { ...shared, volumeName: name, resources: { requests: { storage: '1Gi' } } },
  } as never)
}

test('claims on local volumes: shared on the node, read-only where asked, one pod only with ReadWriteOncePod', async () => {
  await mkdir(join(host, 'local'))
  await mkdir(join(host, 'single'))
  await claimed('local', { local: { path: join(host, 'local') } })
  await claimed('single', { local: { path: join(host, 'single') } }, { mode: 'ReadWriteOncePod' })
  const mounts = [{ name: 'v', mountPath: '/v' }]
  const volumes = (claimName: string, readOnly = false) => [{ name: 'v', persistentVolumeClaim: { claimName, readOnly } }]
  await started('writer', { volumes: volumes('local'), mounts })
  await within('writer', 'echo kept > /v/file')
  await started('reader', { volumes: volumes('local', true), mounts })
  expect(await within('reader', 'cat /v/file; touch /v/x 2>&1 || true')).toMatch(/^kept\n.*Read-only file system$/)

  await started('first', { volumes: volumes('single'), mounts })
  // Past the scheduler, which would not let it come so far.
  await run('second', { volumes: volumes('single'), mounts, spec: { nodeName: 'node-1' } })
  await eventually(async () =>
    expect(await eventsOf('second')).toContain(
      'volume uses the ReadWriteOncePod access mode and is already in use by another pod',
    ),
  )
  await gone('first')
  await eventually(async () => expect(isReady(await cluster.pod('second'))).toBe(true), { timeoutInMs: 60_000 })
  await gone('writer', 'reader', 'second')
  expect(await readFile(join(host, 'local/file'), 'utf8')).toBe('kept\n')
})

test('a disk: as a device in the container, or formatted and mounted once for the node', async () => {
  const disk = join(host, 'disk.img')
  await writeFile(disk, Buffer.alloc(4 * 2 ** 20))
  const sh = promisify(execFile)
  const device = (await sh('losetup', ['-f', '--show', disk])).stdout.trim()
  try {
    await claimed('raw', { local: { path: device } }, { volumeMode: 'Block' })
    await started('block', {
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'raw' } }],
      container: { volumeDevices: [{ name: 'v', devicePath: '/dev/mine' }] },
    })
    await within('block', 'test -b /dev/mine && printf hello | dd of=/dev/mine conv=fsync 2>/dev/null')
    expect((await readFile(device)).subarray(0, 5).toString()).toBe('hello')
    await run('mistaken', {
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'raw' } }],
      mounts: [{ name: 'v', mountPath: '/v' }],
    })
    await eventually(async () =>
      expect(await eventsOf('mistaken')).toContain('volume v has volumeMode Block, but is specified in volumeMounts'),
    )
    await gone('block', 'mistaken')

    await sh('wipefs', ['-a', device])
    await claimed('formatted', { local: { path: device, fsType: 'ext4' } })
    const disk = {
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'formatted' } }],
      mounts: [{ name: 'v', mountPath: '/v' }],
    }
    await started('disk', disk)
    expect(await within('disk', 'echo kept > /v/file; sync; stat -f -c %T /v')).toBe('ext2/ext3')
    await gone('disk')
    await eventually(async () => expect(await mounts()).toHaveLength(1))
    await started('disk', disk)
    expect(await within('disk', 'cat /v/file')).toBe('kept')
    await gone('disk')
    await eventually(async () => expect((await mounts()).filter(place => place.includes('local-volume'))).toEqual([]))
  } finally {
    await sh('losetup', ['-d', device])
  }
})

test('an image volume shows the files of an image, read-only, all or a part, and is laid out once', async () => {
  const volumes = [{ name: 'v', image: { reference: image, pullPolicy: 'IfNotPresent' } }]
  const mounts = [
    { name: 'v', mountPath: '/image' },
    { name: 'v', mountPath: '/bin-of-it', subPath: 'bin' },
  ]
  await started('pictures', { volumes, mounts })
  await started('more-pictures', { volumes, mounts })
  expect(
    await within(
      'pictures',
      '/image/bin/busybox echo works; ls -d /bin-of-it/busybox; ls -A /image/proc /image/.dockerenv 2>&1; touch /image/x 2>&1 || true',
    ),
  ).toMatch(/^works\n\/bin-of-it\/busybox\n[^]*No such file[^]*Read-only file system$/)
  const laidOut = async () => {
    const nodes = await readdir(join(cluster.dataDir, 'nodes'))
    return (await Promise.all(nodes.map(name => readdir(join(cluster.dataDir, 'nodes', name, 'image-volumes'))))).flat()
  }
  expect(await laidOut()).toHaveLength(1)
  await gone('pictures')
  expect(await within('more-pictures', 'ls -d /image/bin/busybox')).toBe('/image/bin/busybox')
  await run('no-picture', {
    volumes: [{ name: 'v', image: { reference: 'nowhere.invalid/none:1', pullPolicy: 'Never' } }],
    mounts,
  })
  await eventually(async () => expect(await waitingOf('no-picture')).toMatchObject({ reason: 'ErrImageNeverPull' }))
  await gone('more-pictures', 'no-picture')
  await eventually(async () => expect(await laidOut()).toEqual([]))
})

test('volumes that nobody can mount here are refused by name', async () => {
  await run('foreign', {
    volumes: [{ name: 'v', iscsi: { targetPortal: '10.0.0.1', iqn: 'iqn.2001-04.com.example:x', lun: 0 } }],
    mounts: [{ name: 'v', mountPath: '/v' }],
  })
  await run('huge', { volumes: [{ name: 'v', emptyDir: { medium: 'HugePages' } }], mounts: [{ name: 'v', mountPath: '/v' }] })
  await eventually(async () => {
    expect(await eventsOf('foreign')).toContain(
      'no volume plugin matched: kubernetes.io/iscsi volumes are not supported by this kubelet',
    )
    expect(await eventsOf('huge')).toContain('storage medium "HugePages" is not supported')
  })
  await gone('foreign', 'huge')
})

test('what the machine mounts later travels into a container as far as its propagation says', async () => {
  const sh = promisify(execFile)
  const shared = join(host, 'shared')
  await mkdir(shared)
  await sh('mount', ['-t', 'tmpfs', 'tmpfs', shared])
  try {
    await sh('mount', ['--make-shared', shared])
    const volumes = [{ name: 'v', hostPath: { path: shared } }]
    const mount = (mountPropagation: string) => [{ name: 'v', mountPath: '/v', mountPropagation }]
    await started('slave', { volumes, mounts: mount('HostToContainer') })
    await started('apart', { volumes, mounts: mount('None') })
    await mkdir(join(shared, 'm'))
    await sh('mount', ['-t', 'tmpfs', 'tmpfs', join(shared, 'm')])
    await writeFile(join(shared, 'm/file'), 'from the machine')
    expect(await within('slave', 'cat /v/m/file')).toBe('from the machine')
    expect(await within('apart', 'ls /v; ls /v/m')).toBe('m')
    await gone('slave', 'apart')
  } finally {
    await sh('umount', ['-R', shared])
  }
})

test('what a killed agent has left mounted is undone by the next one, and no data is lost', async () => {
  await mkdir(join(host, 'survivor/part'), { recursive: true })
  await claimed('survivor', { local: { path: join(host, 'survivor') } })
  const parts: PodParts = {
    volumes: [
      { name: 'data', persistentVolumeClaim: { claimName: 'survivor' } },
      { name: 'memory', emptyDir: { medium: 'Memory' } },
      { name: 'settings', configMap: { name: 'settings' } },
    ],
    mounts: [
      { name: 'settings', mountPath: '/settings' },
      { name: 'data', mountPath: '/data', subPath: 'part' },
      { name: 'memory', mountPath: '/memory' },
    ],
  }
  const { metadata } = await started('leaves', parts)
  await started('stays', parts)
  for (const name of ['leaves', 'stays']) await within(name, `echo ${name} > /data/${name}; echo ${name} > /memory/file`)
  await cluster.kill('SIGKILL')
  await cluster.up()
  expect(await within('stays', 'cat /memory/file /data/stays /settings/color')).toBe('stays\nstays\nblue')
  await cluster.client.patch(ConfigMap, { namespace, name: 'settings' }, 'merge', { data: { color: 'green' } })
  await eventually(async () => expect(await within('stays', 'cat /settings/color')).toBe('green'))
  await gone('leaves')
  await eventually(async () => expect((await podMounts()).filter(place => place.includes(metadata.uid))).toEqual([]))
  expect(await podMounts()).toHaveLength(2)
  expect(await within('stays', 'cat /memory/file /data/leaves')).toBe('stays\nleaves')
  await gone('stays')
  await eventually(async () => expect(await podMounts()).toEqual([]))
  expect((await readdir(join(host, 'survivor/part'))).sort()).toEqual(['leaves', 'stays'])
  expect((await stat(join(host, 'survivor'))).isDirectory()).toBe(true)
})
