import { expect, test } from 'vitest'
import { samplePod } from '../samples.ts'
import { volumeDevicesOf, volumeGroupsOf, volumeMountsOf } from './container-mounts.ts'
import { plainFolders } from './mounter.ts'
import type { MountedVolume } from './plugin.ts'

const volumes = new Map<string, MountedVolume>([
  ['v', { path: '/host/v', readOnly: false, supplementalGroup: 9 }],
  ['sealed', { path: '/host/sealed', readOnly: true }],
  ['raw', { path: '/dev/sdb', readOnly: false, isBlock: true }],
  ['sealed-raw', { path: '/dev/sdc', readOnly: true, isBlock: true }],
])
const containerWith = (spec: object) => samplePod({ containers: [{ name: 'c', image: 'i', ...spec }] }).spec.containers[0]!
const mountsOf = (mount: object, supportsRecursiveReadOnly = false) =>
  volumeMountsOf({
    container: containerWith({ volumeMounts: [{ name: 'v', mountPath: '/m', ...mount }] }),
    volumes,
    environment: new Map(),
    podFolder: '/pods/uid',
    mounter: plainFolders,
    usesDisk: false,
    supportsRecursiveReadOnly,
  })

test.each([
  [{}, { hostPath: '/host/v', containerPath: '/m', readOnly: false }],
  [
    { mountPath: 'm', readOnly: true },
    { hostPath: '/host/v', containerPath: '/m', readOnly: true },
  ],
  [{ name: 'sealed' }, { hostPath: '/host/sealed', containerPath: '/m', readOnly: true }],
  [{ subPath: 'a/b' }, { hostPath: '/host/v/a/b', containerPath: '/m', readOnly: false }],
  [{ mountPropagation: 'HostToContainer' }, { hostPath: '/host/v', containerPath: '/m', readOnly: false, propagation: 'rslave' }],
  [{ mountPropagation: 'Bidirectional' }, { hostPath: '/host/v', containerPath: '/m', readOnly: false, propagation: 'rshared' }],
  [{ recursiveReadOnly: 'Disabled' }, { hostPath: '/host/v', containerPath: '/m', readOnly: false }],
  [
    { readOnly: true, recursiveReadOnly: 'IfPossible' },
    { hostPath: '/host/v', containerPath: '/m', readOnly: true },
  ],
])('volumeMount %j', async (mount, expected) => expect(await mountsOf(mount)).toEqual([expected]))

test('a runtime that can makes mounts read-only all the way down', async () => {
  for (const recursiveReadOnly of ['IfPossible', 'Enabled'])
    expect(await mountsOf({ readOnly: true, recursiveReadOnly }, true)).toEqual([
      { hostPath: '/host/v', containerPath: '/m', readOnly: true, recursiveReadOnly: true },
    ])
})

const rro = 'failed to resolve recursive read-only mode: volume "v" requested recursive read-only mode, but it is not '
test.each([
  [{ name: 'none' }, 'cannot find volume "none" to mount into container "c"'],
  [{ name: 'raw' }, 'cannot find volume "raw" to mount into container "c"'],
  [{ recursiveReadOnly: 'Enabled' }, `${rro}read-only`],
  [{ readOnly: true, recursiveReadOnly: 'Enabled' }, `${rro}supported by the runtime`],
  [
    { readOnly: true, recursiveReadOnly: 'IfPossible', mountPropagation: 'HostToContainer' },
    `${rro}compatible with propagation "HostToContainer"`,
  ],
])('volumeMount %j is refused', async (mount, words) => {
  await expect(mountsOf(mount)).rejects.toMatchObject({ reason: 'CreateContainerConfigError', message: words })
})

test('devices, and groups that volumes need', () => {
  const devices = (...volumeDevices: object[]) => volumeDevicesOf({ container: containerWith({ volumeDevices }), volumes })
  expect(devices({ name: 'raw', devicePath: '/dev/a' }, { name: 'sealed-raw', devicePath: '/dev/b' })).toEqual([
    { hostPath: '/dev/sdb', containerPath: '/dev/a', permissions: 'mrw' },
    { hostPath: '/dev/sdc', containerPath: '/dev/b', permissions: 'r' },
  ])
  expect(() => devices({ name: 'v', devicePath: '/dev/a' })).toThrow('cannot find volume "v" to pass into container "c"')
  expect(() => devices({ name: 'raw', devicePath: 'a' })).toThrow('error DevicePath `a` must be an absolute path')
  expect(volumeGroupsOf(volumes)).toEqual([9])
})
