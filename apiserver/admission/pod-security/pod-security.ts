import { DaemonSet } from '../../../api/apps/daemon-set.ts'
import { Deployment } from '../../../api/apps/deployment.ts'
import { ReplicaSet } from '../../../api/apps/replica-set.ts'
import { StatefulSet } from '../../../api/apps/stateful-set.ts'
import { CronJob } from '../../../api/batch/cron-job.ts'
import { Job } from '../../../api/batch/job.ts'
import { Namespace } from '../../../api/core/namespace.ts'
import { Pod } from '../../../api/core/pod.ts'
import { PodTemplate } from '../../../api/core/pod-template.ts'
import { ReplicationController } from '../../../api/core/replication-controller.ts'
import { forbiddenError } from '../../../api/errors.ts'
import { invalidObject } from '../../../api/field-errors.ts'
import type { AnyKind } from '../../../api/kind.ts'
import { deepEqual } from '../../../lib/json.ts'
import type { AdmissionContext, AdmissionStep, Attempt } from '../../admission.ts'
import { allContainers, type PodLike, type Violation } from './check.ts'
import { defaultPodSecurity, type PodSecurityConfiguration } from './configuration.ts'
import { detailsText, violationsOf } from './evaluate.ts'
import { existingPodWarnings } from './existing-pods.ts'
import {
  compareLevels,
  isEquivalent,
  isPrivileged,
  isSame,
  labelPrefix,
  modes,
  type Policy,
  policyOf,
  type Standard,
  standardText,
} from './policy.ts'

type Labels = Readonly<Record<string, string>>
type PolicyFound = ReturnType<typeof policyOf>

/** What pods are made from, by the kind that has it. A template that is not there is not looked at. */
const templates = new Map<AnyKind, (object: never) => PodLike | undefined>([
  [PodTemplate, ({ template }: PodTemplate) => template],
  [CronJob, ({ spec }: CronJob) => spec.jobTemplate.spec.template],
  ...[ReplicationController, ReplicaSet, Deployment, StatefulSet, DaemonSet, Job].map(
    kind => [kind, ({ spec }: { spec: { template?: PodLike } }) => spec.template] as const,
  ),
])

/**
 * Pod Security: namespaces say by labels to which standard their pods are held (k8s.io/pod-security-admission/admission). Pods that do
 * not meet it are refused; of templates their makers are told.
 */
export function podSecuritySteps(configuration: PodSecurityConfiguration = defaultPodSecurity): readonly AdmissionStep[] {
  const { defaults, exemptions } = configuration
  const isExempt = {
    namespace: has(exemptions.namespaces),
    user: has(exemptions.usernames),
    class: has(exemptions.runtimeClasses),
  }
  // A namespace changes seldom and is asked about for every pod: what its labels mean is found out once for each state of it.
  const known = new WeakMap<object, PolicyFound>()

  const policyIn = (namespace: Namespace): PolicyFound => {
    let found = known.get(namespace)
    if (!found) known.set(namespace, (found = policyOf(namespace.metadata.labels, defaults)))
    return found
  }
  const exemption = ({ namespace = '', user }: Attempt) =>
    isExempt.namespace(namespace) ? 'namespace' : isExempt.user(user.name) ? 'user' : undefined

  /** Refuses a pod, tells of it, or lets it pass. */
  function judge(attempt: Attempt, pod: PodLike, { policy, errors }: PolicyFound, enforces: boolean): void {
    const { annotate, kind, object, warnings } = attempt
    if (isExempt.class(pod.spec.runtimeClassName ?? '')) return annotate?.(`${labelPrefix}exempt`, 'runtimeClass')
    if (errors.length > 0) {
      const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))]
      const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
      annotate?.(`${labelPrefix}error`, `Failed to parse policy: ${all}`)
    }
    const judged: { standard: Standard; violations: Violation[] }[] = []
    const complaint = (standard: Standard, verb: string): string | undefined => {
      let done = judged.find(each => isSame(each.standard, standard))
      if (!done) judged.push((done = { standard, violations: violationsOf(pod, standard) }))
      const { violations } = done
      return violations.length > 0 ? `${verb} PodSecurity "${standardText(standard)}": ${detailsText(violations)}` : undefined
    }
    if (enforces) annotate?.(`${labelPrefix}enforce-policy`, standardText(policy.enforce))
    const refusal = enforces ? complaint(policy.enforce, 'violates') : undefined
    const audited = complaint(policy.audit, 'would violate')
    if (audited !== undefined) annotate?.(`${labelPrefix}audit-violations`, audited)
    if (refusal !== undefined) throw forbiddenError(kind, object.metadata.name, refusal)
    const warning = complaint(policy.warn, 'would violate')
    if (warning !== undefined) warnings.push(warning)
  }

  function judgePod(attempt: Attempt, namespace: Namespace | undefined): void {
    const found = namespace && policyIn(namespace)
    if (!found) return // a pod in no namespace is refused by others
    const pod = attempt.object as unknown as Pod
    if (found.errors.length === 0 && isPrivileged(found.policy)) {
      attempt.annotate?.(`${labelPrefix}enforce-policy`, 'privileged:latest')
    } else if (!attempt.old || runsSomethingElse(pod, attempt.old as Pod)) judge(attempt, pod, found, true)
  }

  function judgeTemplate(attempt: Attempt, namespace: Namespace | undefined): void {
    const found = namespace && policyIn(namespace)
    if (!found) return
    const { errors, policy } = found
    if (errors.length === 0 && policy.warn.level === 'privileged' && policy.audit.level === 'privileged') return
    const template = templates.get(attempt.kind)?.(attempt.object as never)
    if (template) judge(attempt, template, found, false)
  }

  /** Without waiting, wherever the namespace is at hand. */
  const inNamespace =
    (judgeIn: (attempt: Attempt, namespace: Namespace | undefined) => void) =>
    (attempt: Attempt, { access }: AdmissionContext): Promise<void> | void => {
      const why = exemption(attempt)
      if (why) return attempt.annotate?.(`${labelPrefix}exempt`, why)
      const name = attempt.namespace ?? ''
      return access.lookUp(Namespace, undefined, name, namespace => judgeIn(attempt, namespace as Namespace | undefined))
    }

  async function checkNamespace({ kind, object, old, warnings }: Attempt, context: AdmissionContext): Promise<void> {
    const { name, labels } = object.metadata
    const now = policyOf(labels, defaults)
    const before = old && policyOf(old.metadata.labels, defaults)
    if (now.errors.length > 0 && !(before && deepEqual(now.errors, before.errors))) throw invalidObject(kind, name, now.errors)
    const { enforce } = now.policy
    if (before) {
      const { enforce: was } = before.policy
      if (isSame(enforce, was) || enforce.level === 'privileged') return
      if (enforce.version.name === was.version.name && compareLevels(enforce.level, was.level) <= 0) return
    }
    if (isExempt.namespace(name)) {
      const ignored = ignoredPolicy(now.policy, labels)
      if (ignored !== undefined) {
        warnings.push(`namespace "${name}" is exempt from Pod Security, and the policy (${ignored}) will be ignored`)
      }
    } else if (before) {
      const stored = await context.access.inNamespace(Pod, name)
      const pods = stored.map(each => each.object as Pod).filter(pod => !isExempt.class(pod.spec.runtimeClassName ?? ''))
      warnings.push(...existingPodWarnings(name, pods, enforce, context.clock))
    }
  }

  /** What an exempt namespace asks for in vain, in short. */
  function ignoredPolicy(policy: Policy, labels: Labels | undefined): string | undefined {
    if (isPrivileged(policy) || isEquivalent(policy, defaults)) return undefined
    const isSaid = (label: string) => labels?.[labelPrefix + label] !== undefined
    return modes
      .filter(mode => policy[mode].level !== 'privileged' && (isSaid(mode) || isSaid(`${mode}-version`)))
      .map(mode => `${mode}=${standardText(policy[mode])}`)
      .join(', ')
  }

  const step = { name: 'PodSecurity', operations: ['CREATE', 'UPDATE'] } as const
  return [
    { ...step, kinds: [Pod], subresources: ['ephemeralcontainers', 'resize'], check: inNamespace(judgePod) },
    { ...step, kinds: [...templates.keys()], check: inNamespace(judgeTemplate) },
    { ...step, kinds: [Namespace], check: checkNamespace },
  ]
}

const has = (names: readonly string[]) => (name: string) => name !== '' && names.includes(name)

/** Of what may change in a pod, only images and new containers matter. */
function runsSomethingElse({ spec }: Pod, { spec: old }: Pod): boolean {
  const { containers, initContainers = [], ephemeralContainers = [] } = spec
  if (containers.length !== old.containers.length || initContainers.length !== (old.initContainers?.length ?? 0)) return true
  if (containers.some(({ image }, i) => image !== old.containers[i]?.image)) return true
  if (initContainers.some(({ image }, i) => image !== old.initContainers?.[i]?.image)) return true
  const images = new Map(allContainers({ ...old, containers: [], initContainers: [] }).map(({ name, image }) => [name, image]))
  return ephemeralContainers.some(({ name, image }) => images.get(name) !== image)
}
