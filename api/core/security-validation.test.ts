import { expect, test } from 'vitest'
import { tryDecode } from '../decode.ts'
import { Pod } from './pod.ts'

const annotation = 'container.apparmor.security.beta.kubernetes.io/c'

function pod(spec: object, own: object = {}, annotations: object = {}) {
  const containers = [{ name: 'c', image: 'x', securityContext: own }]
  const decoded = tryDecode(Pod, { metadata: { name: 'p', namespace: 'n', annotations }, spec: { containers, ...spec } }, true)
  if (!decoded.ok) throw new Error(decoded.error)
  const object = decoded.object as unknown as Parameters<typeof Pod.default>[0]
  Pod.default(object)
  return object
}
const faults = (spec: object, own?: object, annotations?: object) =>
  Pod.validate(pod(spec, own, annotations) as never).map(({ field, message }) => `${field}: ${message}`)

const ofPod = (securityContext: object, more: object = {}) => ({ securityContext, ...more })
const localhost = (localhostProfile: string) => ({ seccompProfile: { type: 'Localhost', localhostProfile } })
const sysctl = (name: string) => ({ sysctls: [{ name, value: '1' }] })
const at = 'spec.containers[0].securityContext'

test.each<[object, object, string[]]>([
  [{}, localhost('a/b.json'), []],
  [{}, localhost('/a'), [`${at}.seccompProfile.localhostProfile: Invalid value: "/a": must be a relative path`]],
  [{}, localhost('a/../b'), [`${at}.seccompProfile.localhostProfile: Invalid value: "a/../b": must not contain '..'`]],
  [{}, { seccompProfile: {} }, [`${at}.seccompProfile.type: Required value: type is required when seccompProfile is set`]],
  [
    {},
    { appArmorProfile: { type: 'Localhost', localhostProfile: ' x' } },
    [`${at}.appArmorProfile.localhostProfile: Invalid value: " x": must not be padded with whitespace`],
  ],
  [
    {},
    { procMount: 'Unmasked' },
    [`${at}.procMount: Invalid value: "Unmasked": \`hostUsers\` must be false to use \`Unmasked\``],
  ],
  [{ hostUsers: false }, { procMount: 'Unmasked' }, []],
  [
    { hostUsers: false, hostNetwork: true, hostPID: true, hostIPC: true },
    {},
    ['hostNetwork', 'HostPID', 'HostIPC'].map(name => `spec.${name}: Forbidden: when \`hostUsers\` is false`),
  ],
  [ofPod(sysctl('net.a')), {}, []],
  [
    ofPod(sysctl('net.a'), { hostNetwork: true }),
    {},
    [`spec.securityContext.sysctls[0].name: Invalid value: "net.a": may not be specified when 'hostNetwork' is true`],
  ],
  [
    ofPod(sysctl('kernel.shmmax'), { hostIPC: true }),
    {},
    [`spec.securityContext.sysctls[0].name: Invalid value: "kernel.shmmax": may not be specified when 'hostIPC' is true`],
  ],
  [
    { os: { name: 'linux' } },
    { windowsOptions: { runAsUserName: 'x' } },
    [`${at}.windowsOptions: Forbidden: windows options cannot be set for a linux pod`],
  ],
  [
    ofPod({ runAsUser: 1 }, { os: { name: 'windows' }, hostPID: true }),
    { privileged: true },
    ['spec.securityContext.runAsUser', 'spec.hostPID', `${at}.privileged`].map(
      field => `${field}: Forbidden: cannot be set for a windows pod`,
    ),
  ],
])('a pod with %j and a container with %j', (spec, own, expected) => {
  expect(faults(spec, own)).toEqual(expected)
})

const confined = { appArmorProfile: { type: 'Localhost', localhostProfile: 'a' } }

test.each<[object, object, string[]]>([
  [{}, { [annotation]: 'localhost/a' }, []],
  [
    {},
    { [annotation]: 'what' },
    [`metadata.annotations[${annotation}]: Invalid value: "what": invalid AppArmor profile name: "what"`],
  ],
  [{}, { [`${annotation}x`]: 'unconfined' }, [`metadata.annotations[${annotation}x]: Invalid value: "cx": container not found`]],
  [confined, { [annotation]: 'localhost/a' }, []],
  [
    confined,
    { [annotation]: 'unconfined' },
    [`${at}.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match`],
  ],
  [
    confined,
    { [annotation]: 'localhost/b' },
    [`${at}.appArmorProfile.localhostProfile: Forbidden: apparmor profile in annotation and field must match`],
  ],
])('AppArmor in the container %j and in annotations %j', (own, annotations, expected) => {
  expect(faults({}, own, annotations)).toEqual(expected)
})

test.each<[string, object, object | undefined]>([
  ['unconfined', {}, { type: 'Unconfined' }],
  ['localhost/a', {}, { type: 'Localhost', localhostProfile: 'a' }],
  ['runtime/default', ofPod({ appArmorProfile: { type: 'RuntimeDefault' } }), undefined],
])('an old annotation %s becomes a field, unless %j says the same', (text, spec, expected) => {
  const made = pod(spec, {}, { [annotation]: text })
  Pod.prepareForCreate(made)
  expect(made.spec.containers[0]?.securityContext?.appArmorProfile).toEqual(expected)
})
