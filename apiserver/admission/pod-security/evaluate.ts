import type { Check, PodLike, Violation } from './check.ts'
import {
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbesAndHostLifecycle,
  privileged,
  windowsHostProcess,
} from './host-checks.ts'
import { restrictedVolumes, sysctls } from './other-checks.ts'
import type { Standard } from './policy.ts'
import {
  allowPrivilegeEscalation,
  capabilitiesBaseline,
  capabilitiesRestricted,
  runAsNonRoot,
  runAsUser,
} from './privilege-checks.ts'
import { appArmorProfile, procMount, seccompBaseline, seccompRestricted, seLinuxOptions } from './profile-checks.ts'

/** Every check, in the order in which messages name them: baseline first, each by its id. */
const checks: readonly Check[] = [
  appArmorProfile,
  capabilitiesBaseline,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbesAndHostLifecycle,
  privileged,
  procMount,
  seLinuxOptions,
  seccompBaseline,
  sysctls,
  windowsHostProcess,
  allowPrivilegeEscalation,
  capabilitiesRestricted,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  seccompRestricted,
]

/** All that keeps a pod from meeting a standard; empty: nothing. */
export function violationsOf(pod: PodLike, { level, version }: Standard): Violation[] {
  if (level === 'privileged') return []
  const inForce = checks.flatMap(check => {
    const form =
      level === check.level || check.level === 'baseline' ? check.since.findLast(([minor]) => minor <= version.minor) : undefined
    return form ? [{ check, judge: form[1] }] : []
  })
  const replaced = new Set(inForce.map(({ check }) => check.replaces))
  return inForce.flatMap(({ check, judge }) => (replaced.has(check.id) ? [] : (judge(pod) ?? [])))
}

/** `privileged, hostPort`: for many pods at once. */
export const reasonsText = (violations: readonly Violation[]): string => violations.map(({ reason }) => reason).join(', ')

/** `host namespaces (hostPID=true), hostPort (container "c" uses hostPort 80)` */
export const detailsText = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => `${reason} (${detail})`).join(', ')
