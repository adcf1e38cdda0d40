import type { ContainerRecord, NodeRecords, PodRecords, SandboxRecord } from './engine.ts'

/** Records are kept by id and by pod: a node is asked about one pod much more often than about all. */
export function keepSandbox(records: NodeRecords, sandbox: SandboxRecord): void {
  records.sandboxes.set(sandbox.id, sandbox)
  podOf(records, sandbox.pod.uid).sandboxes.add(sandbox)
}

export function keepContainer(records: NodeRecords, container: ContainerRecord): void {
  records.containers.set(container.id, container)
  podOf(records, container.pod.uid).containers.add(container)
}

export function dropSandbox(records: NodeRecords, sandbox: SandboxRecord): void {
  records.sandboxes.delete(sandbox.id)
  records.pods.get(sandbox.pod.uid)?.sandboxes.delete(sandbox)
  tidy(records, sandbox.pod.uid)
}

export function dropContainer(records: NodeRecords, container: ContainerRecord): void {
  records.containers.delete(container.id)
  records.pods.get(container.pod.uid)?.containers.delete(container)
  tidy(records, container.pod.uid)
}

function podOf({ pods }: NodeRecords, uid: string): PodRecords {
  let pod = pods.get(uid)
  if (!pod) pods.set(uid, (pod = { sandboxes: new Set(), containers: new Set() }))
  return pod
}

function tidy({ pods }: NodeRecords, uid: string): void {
  const pod = pods.get(uid)
  if (pod?.sandboxes.size === 0 && pod.containers.size === 0) pods.delete(uid)
}
