import type { Plugin } from '../framework.ts'

/** The name under which profiles know how the queue is sorted: queued-pod.ts isTriedBefore. There is no other way. */
export const prioritySort: Plugin = { name: 'PrioritySort', sortsQueue: true, wakes: {} }
