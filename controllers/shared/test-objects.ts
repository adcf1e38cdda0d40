import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { copy } from '../../lib/json.ts'

const epoch = '2026-01-01T00:00:00Z'

type Deep<T> = T extends readonly (infer Item)[]
  ? readonly Deep<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]?: Deep<T[Key]> }
    : T

function merged(base: unknown, over: unknown): unknown {
  if (typeof over !== 'object' || over === null || Array.isArray(over) || typeof base !== 'object' || base === null)
    return over === undefined ? base : over
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) result[key] = merged(result[key], value)
  return result
}

/** A pod for tests: running nowhere, with one container, unless told otherwise. */
export function podWith(over: Deep<Pod> = {}): Pod {
  const name = over.metadata?.name ?? 'web'
  const base = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: epoch },
    spec: { containers: [{ name: 'app', image: 'busybox:1.36' }], restartPolicy: 'Always', tolerations: [] },
    status: { phase: 'Pending' },
  }
  return merged(copy(base), over) as Pod
}

/** A node for tests: ready, with 4 CPUs and 8 GiB, unless told otherwise. */
export function nodeWith(over: Deep<Node> = {}): Node {
  const name = over.metadata?.name ?? 'node-1'
  const resources = { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '100Gi' }
  const base = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: epoch,
      labels: { 'kubernetes.io/hostname': name },
    },
    spec: {},
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: '',
          lastHeartbeatTime: epoch,
          lastTransitionTime: epoch,
        },
      ],
    },
  }
  return merged(copy(base), over) as Node
}
