import type { Pod } from '../../api/core/pod.ts'

/** How somebody looks into things: beside a pod's containers, in a copy of it, or on a node. */
export type Style = 'ephemeral' | 'copy' | 'node'

type Spec = Pod['spec']
type Container = Spec['containers'][number]
type Security = NonNullable<Container['securityContext']>

/** A pod that is being put together; for an ephemeral container, only that container counts. */
export interface Draft {
  readonly metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  readonly spec: Partial<Spec>
  readonly container: Partial<Container> & { name: string }
}

/** What a copy keeps of the pod. */
export interface Kept {
  readonly labels: boolean
  readonly annotations: boolean
  readonly liveness: boolean
  readonly readiness: boolean
  readonly startup: boolean
  readonly initContainers: boolean
}

interface Profile {
  /** Undefined: whatever the container had stays. */
  readonly security?: (style: Style, before: Security | undefined) => Security | undefined
  readonly hostNamespaces?: boolean
  readonly hostFiles?: boolean
  /** Whether a copy is stripped of what the flags do not keep, and its containers see one another. */
  readonly strips: boolean
}

const adding =
  (...capabilities: string[]) =>
  (_: Style, before: Security | undefined): Security =>
    ({
      ...before,
      capabilities: { ...before?.capabilities, add: [...(before?.capabilities?.add ?? []), ...capabilities] },
    }) as Security

/** By the name that `--profile` takes (k8s.io/kubectl/pkg/cmd/debug/profiles.go). */
const profiles: Readonly<Record<string, Profile>> = {
  legacy: { strips: false, hostNamespaces: true, hostFiles: true },
  general: {
    strips: true,
    hostNamespaces: true,
    hostFiles: true,
    security: (style, before) => (style === 'node' ? undefined : adding('SYS_PTRACE')(style, before)),
  },
  baseline: { strips: true, security: () => undefined },
  restricted: {
    strips: true,
    security: () =>
      ({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      }) as Security,
  },
  netadmin: { strips: true, hostNamespaces: true, security: adding('NET_ADMIN', 'NET_RAW') },
  sysadmin: {
    strips: true,
    hostNamespaces: true,
    hostFiles: true,
    security: (_, before) => ({ ...before, privileged: true }) as Security,
  },
}

export const profileNames = Object.keys(profiles)

/** The draft as a profile wants it. Throws when there is no such profile. */
export function withProfile(draft: Draft, name: string, style: Style, kept: Kept): Draft {
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined
  if (!profile) throw new Error(`unknown profile: ${name}`)
  const { securityContext: before, ...bare } = draft.container
  const security = profile.security ? profile.security(style, before) : before
  const container = { ...bare, ...(security && { securityContext: security }) }
  if (style === 'ephemeral') return { ...draft, container }
  if (style === 'copy') return copied({ ...draft, container }, name, profile, kept)
  const files = profile.hostFiles && {
    container: { ...container, volumeMounts: [...(container.volumeMounts ?? []), { mountPath: '/host', name: 'host-root' }] },
    volumes: [...(draft.spec.volumes ?? []), { name: 'host-root', hostPath: { path: '/' } }],
  }
  const namespaces = profile.hostNamespaces && { hostNetwork: true, hostPID: true, hostIPC: true }
  return {
    ...draft,
    container: (files ? files.container : container) as Draft['container'],
    spec: { ...draft.spec, ...namespaces, ...(files && { volumes: files.volumes as Spec['volumes'] }) } as Partial<Spec>,
  }
}

function copied({ metadata, spec, container }: Draft, name: string, { strips }: Profile, kept: Kept): Draft {
  const { labels, annotations, ...rest } = metadata
  if (!strips)
    return { metadata: name === 'legacy' ? { ...rest, ...(annotations && { annotations }) } : metadata, spec, container }
  const without = <C extends Partial<Container>>({ livenessProbe, readinessProbe, startupProbe, ...own }: C) => ({
    ...own,
    ...(kept.liveness && livenessProbe && { livenessProbe }),
    ...(kept.readiness && readinessProbe && { readinessProbe }),
    ...(kept.startup && startupProbe && { startupProbe }),
  })
  const { initContainers, ...others } = spec
  return {
    metadata: { ...rest, ...(kept.labels && labels && { labels }), ...(kept.annotations && annotations && { annotations }) },
    spec: {
      ...others,
      ...(kept.initContainers && initContainers && { initContainers }),
      containers: (spec.containers ?? []).map(each => without(each) as Container),
      shareProcessNamespace: spec.shareProcessNamespace ?? true,
    } as Partial<Spec>,
    container: without(container) as Draft['container'],
  }
}
