import { expect, test } from 'vitest'
import { samplePod } from '../samples.ts'
import { appArmorProfileOf, needsAppArmor, securityConfig, userOfImage } from './security.ts'

const options = { seccompDefault: false, seccompRoot: '/var/lib/kubelet/seccomp' }

function security(
  own: object,
  ofPod: object = {},
  image = '',
  overrides: Partial<typeof options> = {},
  annotations: object = {},
) {
  const pod = samplePod(
    { securityContext: ofPod, containers: [{ name: 'app', image: 'app:1', securityContext: own }] },
    { annotations },
  )
  return securityConfig(pod, pod.spec.containers[0]!, image, { ...options, ...overrides })
}

test('a container’s own word counts more than the pod’s', () => {
  const own = {
    runAsUser: 7,
    capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    privileged: true,
    procMount: 'Unmasked',
    seLinuxOptions: { level: 's0:c1' },
  }
  const ofPod = {
    runAsUser: 5,
    runAsGroup: 6,
    fsGroup: 9,
    supplementalGroups: [8, 9],
    supplementalGroupsPolicy: 'Strict',
    seccompProfile: { type: 'RuntimeDefault' },
    appArmorProfile: { type: 'Localhost', localhostProfile: 'tight' },
    seLinuxOptions: { user: 'u', level: 's1' },
  }
  expect(security(own, ofPod)).toEqual({
    runAsUser: 7,
    runAsGroup: 6,
    supplementalGroups: [8, 9],
    supplementalGroupsPolicy: 'Strict',
    privileged: true,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: true,
    addCapabilities: ['NET_ADMIN'],
    dropCapabilities: ['ALL'],
    seccompProfile: 'RuntimeDefault',
    appArmorProfile: 'localhost/tight',
    unmasksProc: true,
    seLinuxOptions: { level: 's0:c1' },
  })
  expect(security({})).toEqual({
    supplementalGroups: [],
    privileged: false,
    readOnlyRootFilesystem: false,
    allowPrivilegeEscalation: true,
    addCapabilities: [],
    dropCapabilities: [],
    seccompProfile: 'Unconfined',
  })
})

test.each<[string, object]>([
  ['', {}],
  [':0', {}],
  ['1000', { runAsUser: 1000 }],
  ['1000:2000', { runAsUser: 1000 }],
  ['00', { runAsUser: 0 }],
  ['+0', { runAsUser: 0 }],
  ['-1', { runAsUser: -1 }],
  ['0x0', { runAsUsername: '0x0' }],
  ['app:staff', { runAsUsername: 'app' }],
  ['99999999999999999999', { runAsUsername: '99999999999999999999' }],
])('an image that says USER "%s"', (text, user) => {
  expect(userOfImage(text)).toEqual(user)
})

test.each([
  [{ runAsUser: 0 }, '1000', "container's runAsUser breaks non-root policy"],
  [{}, '', 'container has runAsNonRoot and image will run as root'],
  [{}, '0:1000', 'container has runAsNonRoot and image will run as root'],
  [{}, '000', 'container has runAsNonRoot and image will run as root'],
  [{}, 'app', 'container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root'],
  [{}, '1000:1000', undefined],
  [{ runAsUser: 5 }, '', undefined],
  [{ runAsUser: 5 }, 'root', undefined],
])('runAsNonRoot with %j and the image’s user "%s"', (own, user, message) => {
  const make = () => security({ runAsNonRoot: true, ...own }, {}, user)
  if (message) expect(make).toThrow(`${message} (pod: "web_default(uid-1)", container: app)`)
  else expect(make).not.toThrow()
})

test('runAsNonRoot of the pod gives way to the container’s', () => {
  expect(() => security({ runAsNonRoot: false }, { runAsNonRoot: true })).not.toThrow()
  expect(() => security({}, { runAsNonRoot: true })).toThrow('will run as root')
})

test.each([
  [{ type: 'Unconfined' }, 'Unconfined'],
  [{ type: 'RuntimeDefault' }, 'RuntimeDefault'],
  [{ type: 'Localhost', localhostProfile: 'profiles/a.json' }, 'localhost//var/lib/kubelet/seccomp/profiles/a.json'],
])('seccomp %j', (seccompProfile, expected) => {
  expect(security({ seccompProfile }).seccompProfile).toBe(expected)
  expect(security({}, { seccompProfile }).seccompProfile).toBe(expected)
})

test('without a word there is no seccomp profile, unless the node’s owner wants the runtime’s', () => {
  expect(security({}).seccompProfile).toBe('Unconfined')
  expect(security({}, {}, '', { seccompDefault: true }).seccompProfile).toBe('RuntimeDefault')
})

test.each(['/etc/passwd', '../x.json', 'a/../../x.json', ''])('a seccomp profile at "%s" is outside of its folder', path => {
  const seccompProfile = { type: 'Localhost', localhostProfile: path }
  expect(() => security({ seccompProfile })).toThrow(`seccomp profile "${path}" is not below /var/lib/kubelet/seccomp`)
})

const annotated = (profile: string) => ({ 'container.apparmor.security.beta.kubernetes.io/app': profile })

test.each<[object, object, object, string | undefined, boolean]>([
  [{}, {}, {}, undefined, false],
  [{}, { appArmorProfile: { type: 'RuntimeDefault' } }, {}, 'RuntimeDefault', true],
  [{ appArmorProfile: { type: 'Unconfined' } }, {}, {}, 'Unconfined', false],
  [{}, {}, annotated('localhost/tight'), 'localhost/tight', true],
  [{}, {}, annotated('unconfined'), 'Unconfined', false],
  [{}, {}, annotated('nonsense'), undefined, true],
  [{ appArmorProfile: { type: 'Localhost', localhostProfile: 'own' } }, {}, annotated('unconfined'), 'localhost/own', true],
  [{}, { appArmorProfile: { type: 'Unconfined' } }, annotated('runtime/default'), 'RuntimeDefault', true],
])('AppArmor: container %j, pod %j, annotations %j', (own, ofPod, annotations, profile, isNeeded) => {
  const containers = [{ name: 'app', image: 'app:1', securityContext: own }]
  const pod = samplePod({ securityContext: ofPod, containers }, { annotations })
  expect(appArmorProfileOf(pod, pod.spec.containers[0]!)).toBe(profile)
  expect(needsAppArmor(pod)).toBe(isNeeded)
})
