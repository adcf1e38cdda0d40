import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import type { RuntimeFeatures } from '../runtime/runtime.ts'
import { samplePod } from '../samples.ts'
import { needsFeatures, refusedForFeatures } from './node-features.ts'
import { refusedForSysctls, sysctlAllowlist } from './sysctls.ts'

const nodeWith = (kernelVersion: string) =>
  Node.schema.parse({ metadata: { name: 'a' }, status: { nodeInfo: { kernelVersion } } })

test.each<[string, object, string[], string | undefined]>([
  ['net.ipv4.tcp_syncookies', {}, [], undefined],
  ['net/ipv4/tcp_syncookies', {}, [], undefined],
  ['kernel.shm_rmid_forced', {}, [], undefined],
  ['kernel.msgmax', {}, [], 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
  ['kernel/msgmax', {}, [], 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
  ['vm.swappiness', {}, ['kernel.msg*'], 'forbidden sysctl: "vm.swappiness" not allowlisted'],
  ['kernel.msgmax', {}, ['kernel.msg*'], undefined],
  ['kernel.msgmax', {}, ['kernel.msgmax'], undefined],
  ['net.core.somaxconn', {}, ['net.*'], undefined],
  ['net.core.somaxconn', {}, ['net/core/somaxconn'], undefined],
  [
    'net.ipv4.tcp_syncookies',
    { hostNetwork: true },
    [],
    'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host Net enabled',
  ],
  [
    'net.core.somaxconn',
    { hostNetwork: true },
    ['net.*'],
    'forbidden sysctl: "net.core.somaxconn" not allowed with host Net enabled',
  ],
  [
    'kernel.shm_rmid_forced',
    { hostIPC: true },
    [],
    'forbidden sysctl: "kernel.shm_rmid_forced" not allowed with host IPC enabled',
  ],
  ['kernel.shm_rmid_forced', { hostNetwork: true }, [], undefined],
])('a pod that sets %s, %j, on a node that allows %j besides', (name, spec, allowedUnsafeSysctls, message) => {
  const pod = samplePod({ securityContext: { sysctls: [{ name, value: '1' }] }, ...spec })
  const refusal = message && { reason: 'SysctlForbidden', message }
  expect(refusedForSysctls({ pod, node: nodeWith('6.1.0-13-amd64'), allowedUnsafeSysctls })).toEqual(refusal)
})

test('what became harmless with a newer kernel is not so on an older one', () => {
  const pod = samplePod({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } })
  expect(refusedForSysctls({ pod, node: nodeWith('4.14.99') })).toMatchObject({ reason: 'SysctlForbidden' })
  expect(refusedForSysctls({ pod, node: nodeWith('4.15.0') })).toBeUndefined()
})

test.each([
  ['vm.swappiness', 'the sysctls "vm.swappiness" are not known to be namespaced'],
  ['kernel.*', 'the sysctls "kernel." are not known to be namespaced'],
  ['Net.*', 'sysctl "Net.*" must have at most 253 characters and match regex'],
])('a node’s owner cannot allow %s', (pattern, message) => {
  expect(() => sysctlAllowlist('6.0', [pattern])).toThrow(message)
})

const confined = { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }
const strict = { securityContext: { supplementalGroupsPolicy: 'Strict' } }

test.each<[object, Partial<RuntimeFeatures> | undefined, string | undefined]>([
  [{}, undefined, undefined],
  [confined, { appArmor: true }, undefined],
  [confined, { appArmor: false }, 'Cannot enforce AppArmor: AppArmor is not enabled on the host'],
  [confined, undefined, 'Cannot enforce AppArmor: AppArmor is not enabled on the host'],
  [strict, { supplementalGroupsPolicy: true }, undefined],
  [strict, undefined, 'SupplementalGroupsPolicy=Strict is not supported in this node'],
  [{ securityContext: { supplementalGroupsPolicy: 'Merge' } }, undefined, undefined],
])('a pod %j on a runtime that can %j', (spec, features, message) => {
  const pod = samplePod(spec)
  expect(refusedForFeatures({ pod, features: features as RuntimeFeatures | undefined })?.message).toBe(message)
  expect(needsFeatures(pod)).toBe(spec === confined || spec === strict)
})
