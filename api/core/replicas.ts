import { column } from '../columns.ts'
import { int32, int64, plain, whole } from '../schema.ts'

/** What is asked of whoever keeps a number of equal pods. */
export const replicaSpecFields = () => ({
  replicas: int32().default(1).describe('How many pods.'),
  minReadySeconds: whole('Seconds a pod must be ready to count as available.'),
})

/** What is told by whoever keeps a number of equal pods. */
export const replicaStatusFields = () => ({
  replicas: int32().default(0).describe('Pods there are.'),
  fullyLabeledReplicas: whole("Pods that have all of the template's labels."),
  readyReplicas: whole('Pods that are ready.'),
  availableReplicas: whole('Pods that have been ready for minReadySeconds.'),
  observedGeneration: plain(int64().optional()).describe('The generation this is about.'),
})

interface Replicas {
  readonly spec: { readonly replicas: number }
  readonly status: { readonly replicas: number; readonly readyReplicas?: number | undefined }
}

/** How many pods there should be, are, and are ready. */
export const replicaColumns = <T extends Replicas>() => [
  column<T>('Desired', 'How many pods there should be.', ({ spec }) => spec.replicas, 'integer'),
  column<T>('Current', 'How many pods there are.', ({ status }) => status.replicas, 'integer'),
  column<T>('Ready', 'How many pods are ready.', ({ status }) => status.readyReplicas ?? 0, 'integer'),
]
