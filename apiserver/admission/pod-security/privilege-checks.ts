import {
  allContainers,
  type Check,
  containersText,
  namesOf,
  type PodLike,
  quoted,
  settersText,
  sorted,
  type Violation,
} from './check.ts'

/** Rules about whom containers run as and what they may do (k8s.io/pod-security-admission/policy). */

/** What any container gets that says nothing: more may not be asked for. */
const defaultCapabilities = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID'],
  ...['SETPCAP', 'SETUID', 'SYS_CHROOT'],
])

interface Added {
  readonly containers: string[]
  readonly capabilities: string[]
}

function addedBeyond({ spec }: PodLike, allowed: ReadonlySet<string>): Added {
  const beyond = (added: readonly string[] = []) => added.filter(each => !allowed.has(each))
  return {
    containers: namesOf(spec, ({ securityContext }) => beyond(securityContext?.capabilities?.add).length > 0),
    capabilities: sorted(allContainers(spec).flatMap(({ securityContext }) => beyond(securityContext?.capabilities?.add))),
  }
}

const addedText = ({ containers, capabilities }: Added) =>
  `${containersText(containers)} must not include ${quoted(capabilities)} in securityContext.capabilities.add`

export const capabilitiesBaseline: Check = {
  id: 'capabilities_baseline',
  level: 'baseline',
  since: [
    [
      0,
      pod => {
        const added = addedBeyond(pod, defaultCapabilities)
        return added.containers.length > 0 ? { reason: 'non-default capabilities', detail: addedText(added) } : undefined
      },
    ],
  ],
}

const netBindService = new Set(['NET_BIND_SERVICE'])

function unrestrictedCapabilities(pod: PodLike): Violation | undefined {
  const keeping = namesOf(pod.spec, ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'))
  const added = addedBeyond(pod, netBindService)
  const details = [
    ...(keeping.length > 0 ? [`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(added.containers.length > 0 ? [addedText(added)] : []),
  ]
  return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined
}

/** Windows has no such thing; since 1.25 pods may say that they are meant for it. */
export const exceptOnWindows =
  (judge: (pod: PodLike) => Violation | undefined) =>
  (pod: PodLike): Violation | undefined =>
    pod.spec.os?.name === 'windows' ? undefined : judge(pod)

export const capabilitiesRestricted: Check = {
  id: 'capabilities_restricted',
  level: 'restricted',
  since: [
    [22, unrestrictedCapabilities],
    [25, exceptOnWindows(unrestrictedCapabilities)],
  ],
  replaces: capabilitiesBaseline.id,
}

function mayEscalate({ spec }: PodLike): Violation | undefined {
  const bad = namesOf(spec, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  if (bad.length === 0) return undefined
  const detail = `${containersText(bad)} must set securityContext.allowPrivilegeEscalation=false`
  return { reason: 'allowPrivilegeEscalation != false', detail }
}

export const allowPrivilegeEscalation: Check = {
  id: 'allowPrivilegeEscalation',
  level: 'restricted',
  since: [
    [8, mayEscalate],
    [25, exceptOnWindows(mayEscalate)],
  ],
}

export const runAsNonRoot: Check = {
  id: 'runAsNonRoot',
  level: 'restricted',
  since: [
    [
      0,
      ({ spec }) => {
        const reason = 'runAsNonRoot != true'
        const ofPod = spec.securityContext.runAsNonRoot
        const said = namesOf(spec, ({ securityContext }) => securityContext?.runAsNonRoot === false)
        const setters = settersText(ofPod === false, said)
        if (setters) return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` }
        const unsaid = namesOf(spec, ({ securityContext }) => (securityContext?.runAsNonRoot ?? ofPod) === undefined)
        if (unsaid.length === 0) return undefined
        return { reason, detail: `pod or ${containersText(unsaid)} must set securityContext.runAsNonRoot=true` }
      },
    ],
  ],
}

export const runAsUser: Check = {
  id: 'runAsUser',
  level: 'restricted',
  since: [
    [
      23,
      ({ spec }) => {
        const bad = namesOf(spec, ({ securityContext }) => securityContext?.runAsUser === 0)
        const setters = settersText(spec.securityContext.runAsUser === 0, bad)
        return setters ? { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` } : undefined
      },
    ],
  ],
}
