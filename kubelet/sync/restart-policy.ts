import type { AnyContainer, ContainerRole } from '../pod-types.ts'
import type { ContainerState } from '../runtime/runtime.ts'

interface RestartRule {
  readonly action?: string | undefined
  readonly exitCodes?: { readonly operator?: string | undefined; readonly values?: readonly number[] | undefined } | undefined
}

/** What a container may say for itself since 1.35 (ContainerRestartRules). */
interface OwnPolicy {
  readonly restartPolicy?: string | undefined
  readonly restartPolicyRules?: readonly RestartRule[] | undefined
}

/** Whether a container that ended so is to be started again (semantics C2). */
export function isRestartable(container: AnyContainer, role: ContainerRole, podPolicy: string, exitCode: number): boolean {
  if (role === 'sidecar') return true
  if (role === 'ephemeral') return false
  if (role === 'init') return exitCode !== 0 && podPolicy !== 'Never'
  const { restartPolicy = podPolicy, restartPolicyRules = [] } = container as OwnPolicy
  for (const { action, exitCodes } of restartPolicyRules) {
    if (action !== 'Restart' || !exitCodes) continue
    const isListed = exitCodes.values?.includes(exitCode) ?? false
    if (exitCodes.operator === 'NotIn' ? !isListed : isListed) return true
  }
  return restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && exitCode !== 0)
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
