import { DaemonSet } from '../../api/apps/daemon-set.ts'
import { Pod } from '../../api/core/pod.ts'
import { isReason } from '../../api/errors.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { isNamespaceEnding } from '../shared/api-causes.ts'
import { podFromTemplate } from '../shared/pod-from-template.ts'
import { slowStart } from '../shared/slow-start.ts'
import { generationLabel, generationOf, hashLabel } from './nodes.ts'
import { specFor } from './placement.ts'
import type { Removal, Steps } from './plan.ts'

/** No more than so many pods are made or removed in one go (pkg/controller/daemon, BurstReplicas). */
export const burst = 250

export interface Doing {
  readonly context: ReconcileContext
  readonly set: DaemonSet
  readonly hash: string
}

/** Makes and removes pods, within the burst, and tells the user. Answers the first thing that went wrong. */
export async function take(doing: Doing, steps: Steps): Promise<{ error: unknown } | undefined> {
  const nodes = steps.create.slice(0, burst)
  const rest = nodes.values()
  const { error } = await slowStart(nodes.length, async () => {
    const { value } = rest.next()
    if (value !== undefined) await create(doing, value)
  })
  const results = await Promise.allSettled(steps.remove.slice(0, burst).map(removal => remove(doing, removal)))
  if (error !== undefined) return { error }
  const failed = results.find(result => result.status === 'rejected')
  return failed && { error: failed.reason }
}

async function create({ context: { client, events }, set, hash }: Doing, node: string): Promise<void> {
  const pod = podFromTemplate(set.spec.template, DaemonSet, set)
  const generation = generationOf(set)
  const labels = {
    ...pod.metadata.labels,
    ...(generation !== undefined && { [generationLabel]: generation }),
    [hashLabel]: hash,
  }
  const note = { rule: 'daemonset/create', text: `node ${node} should run a pod of ${hash} and has none`, data: { node, hash } }
  try {
    const metadata = { ...pod.metadata, labels, generateName: `${set.metadata.name}-` }
    const created = await client.create(Pod, { metadata, spec: specFor(pod.spec, node) }, { note })
    events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`)
  } catch (error) {
    if (!isNamespaceEnding(error)) events.record(set, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`)
    throw error
  }
}

async function remove({ context: { client, events }, set }: Doing, removal: Removal): Promise<void> {
  const { pod, node, rule, because } = removal
  const { name, namespace, uid } = pod.metadata
  if (rule === 'failed') {
    const message = `Found failed daemon pod ${namespace}/${name} on node ${node}, will try to kill it`
    events.record(set, 'Warning', 'FailedDaemonPod', message)
  } else if (rule === 'succeeded') {
    const message = `Found succeeded daemon pod ${namespace}/${name} on node ${node}, will try to delete it`
    events.record(set, 'Normal', 'SucceededDaemonPod', message)
  }
  try {
    const note = { rule: `daemonset/${rule}`, text: `${name} goes: ${because}`, data: { node } }
    await client.delete(Pod, pod.metadata, { preconditions: { uid }, note })
    events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
  } catch (error) {
    // Conflict: the name belongs to another pod by now. Either way this one is gone.
    if (isReason(error, 'NotFound', 'Conflict')) return
    events.record(set, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`)
    throw error
  }
}
