import type { SecurityContext } from '../../../api/core/security-context.ts'
import {
  allContainers,
  type Check,
  containersText,
  namesOf,
  type PodLike,
  plural,
  quoted,
  settersText,
  sorted,
  type Violation,
} from './check.ts'
import { exceptOnWindows } from './privilege-checks.ts'

/** Rules about what the kernel is to keep from containers (k8s.io/pod-security-admission/policy). */

type Contexts = Pick<SecurityContext, 'appArmorProfile' | 'seccompProfile' | 'seLinuxOptions'>

/** Whatever the pod and its containers say of one thing. */
const saidOf = <T>({ spec }: PodLike, pick: (context: Contexts) => T | undefined): T[] =>
  [spec.securityContext, ...allContainers(spec).map(({ securityContext }) => securityContext)].flatMap(context => {
    const said = context && pick(context)
    return said === undefined ? [] : [said]
  })

const isConfining = (type: string) => type === 'RuntimeDefault' || type === 'Localhost'

const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/'
const isAppArmorText = (text: string) => text === '' || text === 'runtime/default' || text.startsWith('localhost/')

export const appArmorProfile: Check = {
  id: 'appArmorProfile',
  level: 'baseline',
  since: [
    [
      0,
      pod => {
        const isBad = ({ appArmorProfile: profile }: Contexts) => profile && !isConfining(profile.type)
        const bad = namesOf(pod.spec, ({ securityContext }) => securityContext && isBad(securityContext))
        const types = sorted(saidOf(pod, context => context.appArmorProfile?.type).filter(type => !isConfining(type)))
        const annotations = Object.entries(pod.metadata.annotations ?? {})
          .filter(([key, text]) => key.startsWith(appArmorAnnotation) && !isAppArmorText(text))
          .map(([key, text]) => `${key}=${JSON.stringify(text)}`)
          .sort()
        const annotated = annotations.length > 0 ? plural('annotation', annotations.length) : undefined
        const setters = settersText(isBad(pod.spec.securityContext), bad, annotated)
        if (!setters) return undefined
        const values = [...types, ...annotations]
        const reason = plural('forbidden AppArmor profile', values.length)
        return { reason, detail: `${setters} must not set AppArmor profile type to ${quoted(values)}` }
      },
    ],
  ],
}

const seccompOfPod = 'seccomp.security.alpha.kubernetes.io/pod'
const seccompOfContainer = 'container.seccomp.security.alpha.kubernetes.io/'
const isSeccompText = (text: string) => text === 'runtime/default' || text === 'docker/default' || text.startsWith('localhost/')

/** Before 1.19 there were only annotations. */
function seccompAnnotations({ metadata: { annotations = {} }, spec }: PodLike): Violation | undefined {
  const keys = [seccompOfPod, ...allContainers(spec).map(({ name }) => seccompOfContainer + name)]
  const forbidden = sorted(
    keys.flatMap(key => {
      const text = annotations[key]
      return text === undefined || isSeccompText(text) ? [] : [`${key}=${JSON.stringify(text)}`]
    }),
  )
  if (forbidden.length === 0) return undefined
  return { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', forbidden.length)} ${forbidden.join(', ')}` }
}

function seccompUnconfined(pod: PodLike): Violation | undefined {
  const isBad = ({ seccompProfile: profile }: Contexts) => profile && !isConfining(profile.type)
  const bad = namesOf(pod.spec, ({ securityContext }) => securityContext && isBad(securityContext))
  const setters = settersText(isBad(pod.spec.securityContext), bad)
  if (!setters) return undefined
  const types = sorted(saidOf(pod, context => context.seccompProfile?.type).filter(type => !isConfining(type)))
  return { reason: 'seccompProfile', detail: `${setters} must not set securityContext.seccompProfile.type to ${quoted(types)}` }
}

export const seccompBaseline: Check = {
  id: 'seccompProfile_baseline',
  level: 'baseline',
  since: [
    [0, seccompAnnotations],
    [19, seccompUnconfined],
  ],
}

function seccompUnsaid(pod: PodLike): Violation | undefined {
  const unconfined = seccompUnconfined(pod)
  if (unconfined) return unconfined
  const { spec } = pod
  const unsaid = namesOf(spec, ({ securityContext }) => !securityContext?.seccompProfile && !spec.securityContext.seccompProfile)
  if (unsaid.length === 0) return undefined
  const what = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
  return { reason: 'seccompProfile', detail: `pod or ${containersText(unsaid)} ${what}` }
}

export const seccompRestricted: Check = {
  id: 'seccompProfile_restricted',
  level: 'restricted',
  since: [
    [19, seccompUnsaid],
    [25, exceptOnWindows(seccompUnsaid)],
  ],
  replaces: seccompBaseline.id,
}

const typesSince0 = ['', 'container_t', 'container_init_t', 'container_kvm_t']
const typesSince31 = [...typesSince0, 'container_engine_t']

const seLinuxBeyond = (allowed: readonly string[]) => (pod: PodLike) => {
  const isBad = ({ seLinuxOptions: options }: Contexts) =>
    options && (!allowed.includes(options.type ?? '') || !!options.user || !!options.role)
  const bad = namesOf(pod.spec, ({ securityContext }) => securityContext && isBad(securityContext))
  const setters = settersText(isBad(pod.spec.securityContext), bad)
  if (!setters) return undefined
  const all = saidOf(pod, context => context.seLinuxOptions)
  const types = sorted(all.map(({ type = '' }) => type).filter(type => !allowed.includes(type)))
  const faults = [
    ...(types.length > 0 ? [`${plural('type', types.length)} ${quoted(types)}`] : []),
    ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
    ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
  ]
  const detail = `${setters} set forbidden securityContext.seLinuxOptions: ${faults.join('; ')}`
  return { reason: 'seLinuxOptions', detail }
}

export const seLinuxOptions: Check = {
  id: 'seLinuxOptions',
  level: 'baseline',
  since: [
    [0, seLinuxBeyond(typesSince0)],
    [31, seLinuxBeyond(typesSince31)],
  ],
}

export const procMount: Check = {
  id: 'procMount',
  level: 'baseline',
  since: [
    [
      0,
      ({ spec }) => {
        const mountOf = (context: SecurityContext | undefined) => context?.procMount as string | undefined
        const isBad = (mount: string | undefined): mount is string => mount !== undefined && mount !== 'Default'
        const bad = namesOf(spec, ({ securityContext }) => isBad(mountOf(securityContext)))
        if (bad.length === 0) return undefined
        const mounts = sorted(
          allContainers(spec)
            .map(each => mountOf(each.securityContext))
            .filter(isBad),
        )
        return {
          reason: 'procMount',
          detail: `${containersText(bad)} must not set securityContext.procMount to ${quoted(mounts)}`,
        }
      },
    ],
  ],
}
