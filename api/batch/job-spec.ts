import * as z from 'zod'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { conditionFields, LabelSelector } from '../meta.ts'
import { atomicList, choice, int32, int64, named, plain, requiredText, setList, text, timestampText, whole } from '../schema.ts'

const OnExitCodes = named(
  'batch/v1.PodFailurePolicyOnExitCodesRequirement',
  'What a container must have ended with.',
  () => ({
    containerName: z.string().optional().describe('Which container; any where absent.'),
    operator: plain(choice('In', 'NotIn').default('' as 'In')).describe('How the exit code relates to the values.'),
    values: setList(z.int32()).default([]).describe('Exit codes, in order.'),
  }),
  { wire: 'containerName operator values' },
)

const OnPodCondition = named(
  'batch/v1.PodFailurePolicyOnPodConditionsPattern',
  'A condition that a failed pod must have.',
  () => ({
    type: requiredText('Which condition.'),
    status: choice('True', 'False', 'Unknown').default('True').describe('What it must say.'),
  }),
  { wire: 'type status' },
)

const PodFailurePolicyRule = named(
  'batch/v1.PodFailurePolicyRule',
  'What to do about some failures.',
  () => ({
    action: plain(choice('FailJob', 'FailIndex', 'Ignore', 'Count').default('' as 'Count')).describe('What to do about them.'),
    onExitCodes: OnExitCodes.optional().describe('Failures by exit code.'),
    onPodConditions: atomicList(OnPodCondition).optional().describe('Failures by the conditions of the pod.'),
  }),
  { wire: 'action onExitCodes onPodConditions' },
)

const PodFailurePolicy = named(
  'batch/v1.PodFailurePolicy',
  'Which failures count, and how.',
  () => ({ rules: atomicList(PodFailurePolicyRule).default([]).describe('The first that fits decides.') }),
  { wire: 'rules' },
)

const SuccessPolicyRule = named(
  'batch/v1.SuccessPolicyRule',
  'When a job has done enough.',
  () => ({
    succeededIndexes: z.string().optional().describe('Indexes that must have succeeded: `0-2,5`.'),
    succeededCount: int32().optional().describe('How many indexes must have succeeded.'),
  }),
  { wire: 'succeededIndexes succeededCount' },
)

const SuccessPolicy = named(
  'batch/v1.SuccessPolicy',
  'When a job has done enough.',
  () => ({ rules: atomicList(SuccessPolicyRule).default([]).describe('Any of them suffices.') }),
  { wire: 'rules' },
)

/** What is to be done, how often, and how many at a time. */
export const JobSpec = named(
  'batch/v1.JobSpec',
  'What is to be done, how often, and how many at a time.',
  () => ({
    parallelism: int32().optional().describe('How many pods may run at a time.'),
    completions: int32().optional().describe('How many pods must succeed; absent: one success ends it all.'),
    activeDeadlineSeconds: int64().optional().describe('Seconds after which the job is failed.'),
    podFailurePolicy: PodFailurePolicy.optional().describe('Which failures count, and how.'),
    successPolicy: SuccessPolicy.optional().describe('When the job has done enough.'),
    backoffLimit: int32().optional().describe('How many pods may fail.'),
    backoffLimitPerIndex: int32().optional().describe('How many pods of one index may fail.'),
    maxFailedIndexes: int32().optional().describe('How many indexes may fail.'),
    selector: LabelSelector.optional().describe('Labels of its pods; made by the server.'),
    manualSelector: z.boolean().optional().describe('The selector is what was given, not made by the server.'),
    template: PodTemplateSpec.prefault({}).describe('What its pods look like.'),
    ttlSecondsAfterFinished: int32().optional().describe('Seconds after which a finished job is deleted.'),
    completionMode: choice('NonIndexed', 'Indexed').optional().describe('Whether each pod has a number of its own.'),
    suspend: z.boolean().optional().describe('Run no pods for now.'),
    podReplacementPolicy: choice('TerminatingOrFailed', 'Failed').optional().describe('When a pod is replaced.'),
    managedBy: z.string().optional().describe('Who looks after the job; the cluster itself where absent.'),
  }),
  {
    wire: 'parallelism completions activeDeadlineSeconds selector manualSelector template backoffLimit ttlSecondsAfterFinished completionMode suspend podFailurePolicy backoffLimitPerIndex maxFailedIndexes podReplacementPolicy managedBy successPolicy',
  },
)
export type JobSpec = z.output<typeof JobSpec>

const JobCondition = named(
  'batch/v1.JobCondition',
  "An aspect of a job's state.",
  () => ({
    ...conditionFields,
    lastProbeTime: timestampText().optional().describe('When it was looked at last.'),
  }),
  { wire: 'type status lastProbeTime lastTransitionTime reason message' },
)

const UncountedTerminatedPods = named(
  'batch/v1.UncountedTerminatedPods',
  'Pods that have ended and are in no counter yet.',
  () => ({
    succeeded: setList(z.string()).optional().describe('UIDs of those that succeeded.'),
    failed: setList(z.string()).optional().describe('UIDs of those that failed.'),
  }),
  { wire: 'succeeded failed' },
)

/** How far a job has come. */
export const JobStatus = named(
  'batch/v1.JobStatus',
  'How far a job has come.',
  () => ({
    conditions: z
      .array(JobCondition)
      .meta({
        'x-kubernetes-list-type': 'atomic',
        'x-kubernetes-patch-merge-key': 'type',
        'x-kubernetes-patch-strategy': 'merge',
      })
      .optional()
      .describe('Whether it is complete, failed or suspended.'),
    startTime: timestampText().optional().describe('When it was started.'),
    completionTime: timestampText().optional().describe('When it was completed.'),
    active: whole('Pods that have not ended.'),
    succeeded: whole('Pods that succeeded.'),
    failed: whole('Pods that failed.'),
    terminating: int32().optional().describe('Pods that are going away.'),
    completedIndexes: text('Indexes that succeeded: `0-2,5`.'),
    failedIndexes: z.string().optional().describe('Indexes that failed for good.'),
    uncountedTerminatedPods: UncountedTerminatedPods.optional().describe('Pods that are in no counter yet.'),
    ready: int32().optional().describe('Pods that are ready.'),
  }),
  {
    wire: 'conditions startTime completionTime active succeeded failed completedIndexes uncountedTerminatedPods ready failedIndexes terminating',
  },
)
export type JobStatus = z.output<typeof JobStatus>

/** Whether a condition holds. */
export const hasCondition = ({ conditions = [] }: JobStatus, type: string): boolean =>
  conditions.some(each => each.type === type && each.status === 'True')
