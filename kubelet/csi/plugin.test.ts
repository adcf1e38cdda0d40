import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { GrpcError } from '../../lib/grpc/errors.ts'
import type { VolumeSpec } from '../volumes/plugin.ts'
import { capabilityOf } from './capability.ts'
import { csiDriver, isFinal } from './driver.ts'
import { csiDrivers } from './drivers.ts'
import type { CsiFacts } from './facts.ts'
import { csiPaths, inlineHandle } from './paths.ts'
import { csiVolume, givesToGroup } from './plugin.ts'

let rootDir: string
let calls: { method: string; request: Record<string, unknown> }[]
let refusal: GrpcError | undefined
let object: Awaited<ReturnType<CsiFacts['object']>>

beforeEach(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'wherry-csi-'))
  calls = []
  refusal = undefined
  object = { spec: { attachRequired: true, volumeLifecycleModes: ['Persistent', 'Ephemeral'] } } as never
})
afterEach(() => rm(rootDir, { recursive: true }))

const pod = { metadata: { name: 'web', namespace: 'ns', uid: 'u1' }, spec: { securityContext: {} } } as never
const persistent = (more: object = {}): VolumeSpec =>
  ({
    name: 'pv1',
    volume: { name: 'data' },
    persistentVolume: {
      metadata: { name: 'pv1' },
      spec: {
        accessModes: ['ReadWriteOncePod'],
        mountOptions: ['noatime'],
        csi: { driver: 'd', volumeHandle: 'h', fsType: 'ext4', volumeAttributes: { a: 'b' } },
      },
    },
    readOnly: false,
    isBlock: false,
    ...more,
  }) as never
const inline = {
  name: 'scratch',
  volume: { name: 'scratch', csi: { driver: 'd', readOnly: true } },
  readOnly: false,
  isBlock: false,
} as never

function node() {
  const drivers = csiDrivers()
  const facts: CsiFacts = {
    object: async () => object,
    secret: async () => ({ key: 'secret' }),
    publishContext: async () => ({ lun: '7' }),
    attachment: async () => ({ metadata: { name: 'csi-x' } }) as never,
    podAttributes: async () => ({ 'csi.storage.k8s.io/pod.name': 'web' }),
  }
  const connection = {
    async call(method: string, request: object) {
      if (method.endsWith('NodeGetCapabilities'))
        return { capabilities: ['STAGE_UNSTAGE_VOLUME', 'SINGLE_NODE_MULTI_WRITER'].map(type => ({ rpc: { type } })) } as never
      calls.push({ method: method.replace('csi.v1.Node/', ''), request: request as Record<string, unknown> })
      if (refusal) throw refusal
      const { targetPath } = request as { targetPath?: string }
      if (method.endsWith('NodePublishVolume') && targetPath) await mkdir(targetPath)
      return {} as never
    },
    close: () => {},
  }
  drivers.add(csiDriver('d', connection))
  const plugin = csiVolume({
    nodeName: 'n1',
    drivers,
    facts,
    paths: csiPaths(rootDir),
    mounter: { mountsBelow: async () => [] },
    usesDisk: true,
  })
  return { plugin, drivers }
}

const signal = new AbortController().signal
const folder = () => join(rootDir, 'pods/u1/volumes/kubernetes.io~csi/pv1')
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

test('a volume is staged once, published for the pod, and all of it undone', async () => {
  const { plugin } = node()
  const spec = persistent()
  const device = plugin.device?.(spec)
  expect([device?.uniqueName, await device?.needsAttach()]).toEqual(['kubernetes.io/csi/d^h', true])
  const mounting = { pod, devicePath: '', signal }
  await device?.mount(mounting)
  await plugin.device?.(spec)?.mount(mounting)
  const mounted = await plugin.setUp({ pod, spec, folder: folder(), isRefresh: false, signal })
  expect(mounted).toEqual({ path: join(folder(), 'mount'), readOnly: false })
  const volumeCapability = {
    mount: { fsType: 'ext4', mountFlags: ['noatime'] },
    accessMode: { mode: 'SINGLE_NODE_SINGLE_WRITER' },
  }
  expect(calls).toEqual([
    {
      method: 'NodeStageVolume',
      request: {
        volumeId: 'h',
        publishContext: { lun: '7' },
        stagingTargetPath: device?.folder,
        volumeCapability,
        secrets: { key: 'secret' },
        volumeContext: { a: 'b' },
      },
    },
    {
      method: 'NodePublishVolume',
      request: {
        volumeId: 'h',
        publishContext: { lun: '7' },
        stagingTargetPath: device?.folder,
        targetPath: join(folder(), 'mount'),
        volumeCapability,
        readonly: false,
        secrets: { key: 'secret' },
        volumeContext: { a: 'b', 'csi.storage.k8s.io/pod.name': 'web' },
      },
    },
  ])
  expect(JSON.parse(await readFile(join(folder(), 'vol_data.json'), 'utf8'))).toMatchObject({
    specVolID: 'pv1',
    volumeHandle: 'h',
    driverName: 'd',
    nodeName: 'n1',
    volumeLifecycleMode: 'Persistent',
  })
  // Another kubelet over the same folders undoes it.
  const later = node().plugin
  await later.tearDown?.({ podUid: 'u1', spec, folder: folder() })
  await later.device?.(spec)?.unmount()
  expect(calls.slice(2).map(({ method }) => method)).toEqual(['NodeUnpublishVolume', 'NodeUnstageVolume'])
  expect([await exists(folder()), await exists(device?.folder ?? '')]).toEqual([false, false])
  await later.tearDown?.({ podUid: 'u1', spec, folder: folder() })
  await later.device?.(spec)?.unmount()
  expect(calls).toHaveLength(4)
})

test.each([
  ['Internal', 0],
  ['DeadlineExceeded', 1],
  ['Aborted', 1],
] as const)('after %s the driver is asked %i times to undo what it may have done', async (code, count) => {
  const { plugin } = node()
  refusal = new GrpcError(code, 'no')
  const setUp = plugin.setUp({ pod, spec: persistent(), folder: folder(), isRefresh: false, signal })
  await expect(setUp).rejects.toThrow(`rpc error: code = ${code} desc = no`)
  await expect(plugin.device?.(persistent())?.mount({ pod, devicePath: '', signal })).rejects.toThrow('desc = no')
  refusal = undefined
  calls = []
  await plugin.tearDown?.({ podUid: 'u1', spec: persistent(), folder: folder() })
  await plugin.device?.(persistent())?.unmount()
  expect(calls.filter(({ method }) => method === 'NodeUnpublishVolume')).toHaveLength(count)
  expect(calls.filter(({ method }) => method === 'NodeUnstageVolume')).toHaveLength(count)
})

test('an inline volume has a name of its own, and only drivers that say so have any', async () => {
  const { plugin } = node()
  expect(plugin.device?.(inline)).toBeUndefined()
  const setUp = () => plugin.setUp({ pod, spec: inline, folder: folder(), isRefresh: false, signal })
  expect((await setUp()).readOnly).toBe(true)
  expect(calls[0]?.request).toMatchObject({ volumeId: inlineHandle('u1', 'scratch'), readonly: true, stagingTargetPath: '' })
  object = undefined
  await expect(setUp()).rejects.toThrow('volume mode "Ephemeral" not supported by driver d (no CSIDriver object)')
  object = { spec: { volumeLifecycleModes: ['Persistent'] } } as never
  await expect(setUp()).rejects.toThrow('volume mode "Ephemeral" not supported by driver d (only supports ["Persistent"])')
})

test('volumes are published again only for drivers that want it; a failure then leaves the volume where it is', async () => {
  const { plugin } = node()
  const again = () => plugin.setUp({ pod, spec: persistent(), folder: folder(), isRefresh: true, signal })
  await again()
  expect(calls).toEqual([])
  object = { spec: { requiresRepublish: true, volumeLifecycleModes: ['Persistent'] } } as never
  await again()
  expect(calls.map(({ method }) => method)).toEqual(['NodePublishVolume'])
  refusal = new GrpcError('Internal', 'no')
  await expect(again()).rejects.toThrow()
  expect(await exists(join(folder(), 'vol_data.json'))).toBe(true)
})

test('a driver that is not there is named', async () => {
  const { plugin, drivers } = node()
  for (const driver of drivers.list()) drivers.remove(driver)
  await expect(plugin.setUp({ pod, spec: persistent(), folder: folder(), isRefresh: false, signal })).rejects.toThrow(
    'kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name d not found in the list of registered CSI drivers',
  )
})

test.each([
  ['ReadWriteOnceWithFSType', 'ext4', ['ReadWriteOnce'], false, true],
  ['ReadWriteOnceWithFSType', '', ['ReadWriteOnce'], false, false],
  ['ReadWriteOnceWithFSType', 'ext4', ['ReadWriteMany'], false, false],
  ['File', '', ['ReadWriteMany'], false, true],
  ['File', '', ['ReadWriteMany'], true, false],
  ['None', 'ext4', ['ReadWriteOnce'], false, false],
])('fsGroup: policy %s, file system "%s", %o, read-only %s -> %s', (fsGroupPolicy, fsType, accessModes, readOnly, expected) => {
  const spec = { ...persistent(), persistentVolume: { spec: { accessModes } } } as never
  expect(givesToGroup({ object: { spec: { fsGroupPolicy } } as never, spec, fsType, readOnly })).toBe(expected)
})

test('which failures leave things open', () => {
  const codes = ['Internal', 'NotFound', 'Aborted', 'Unavailable', 'DeadlineExceeded', 'ResourceExhausted'] as const
  expect(codes.filter(code => !isFinal(new GrpcError(code, '')))).toEqual(codes.slice(2))
  expect(isFinal(new Error('before it was asked'))).toBe(true)
  expect(capabilityOf({ isBlock: true, accessMode: 'ReadWriteMany', isFine: false })).toEqual({
    block: {},
    accessMode: { mode: 'MULTI_NODE_MULTI_WRITER' },
  })
})
