import type { Pod } from '../../api/core/pod.ts'
import type { AnyContainer, ContainerRole } from '../pod-types.ts'
import type { ContainerState } from '../runtime/runtime.ts'

/** Whether a container that ended so is to be started again: its own rules, then its own policy, then the pod's (semantics C2). */
export function isRestartable(container: AnyContainer, role: ContainerRole, podPolicy: string, exitCode: number): boolean {
  if (role === 'sidecar') return true
  if (role === 'ephemeral') return false
  for (const { action, exitCodes } of container.restartPolicyRules ?? []) {
    if (action !== 'Restart' || !exitCodes) continue
    const isListed = exitCodes.values?.includes(exitCode) ?? false
    if (exitCodes.operator === 'NotIn' ? !isListed : isListed) return true
  }
  const policy = container.restartPolicy ?? podPolicy
  // An init container has done its work once it ends well, whatever the policy.
  if (role === 'init') return exitCode !== 0 && policy !== 'Never'
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0)
}

/** Whether a container that the kubelet itself ends is started again: rules about exit codes have no say, as there is none yet. */
export function restartsAfterKill({ restartPolicy }: AnyContainer, podPolicy: string): boolean {
  return (restartPolicy ?? podPolicy) !== 'Never'
}

/** Whether anything in the pod may ever be started a second time. */
export function mayRestart({ spec }: Pod): boolean {
  if (spec.restartPolicy !== 'Never') return true
  return spec.containers.some(
    ({ restartPolicy, restartPolicyRules = [] }) =>
      (restartPolicy !== undefined && restartPolicy !== 'Never') || restartPolicyRules.length > 0,
  )
}

/** Whether a container is to be started, given its newest instance. */
export function mayStart(
  newest: ContainerState | undefined,
  container: AnyContainer,
  role: ContainerRole,
  podPolicy: string,
): boolean {
  if (!newest) return true
  if (newest.state === 'running') return false
  if (newest.state === 'exited') return isRestartable(container, role, podPolicy, newest.exitCode)
  return role !== 'ephemeral'
}

/** The status that tells of a run of a container, whether or not the runtime still knows of one. */
export function toldRun({ status }: Pod, { name }: AnyContainer) {
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]
  return all.find(one => one.name === name && (one.state.running ?? one.state.terminated ?? one.lastState.terminated))
}
