import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pod } from '../../api/core/pod.ts'
import type { NodeAgent } from '../../api/node-agent.ts'
import { Refused } from './answer.ts'

/** What a kubelet's server tells about and acts upon. */
export interface Host {
  readonly agent: NodeAgent
  find(namespace: string, name: string): Pod | undefined
}

/** One request that may be answered. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly query: URLSearchParams
  /** What the path says: `namespace`, `pod`, `uid`, `container`. */
  readonly parameters: Readonly<Record<string, string>>
}

/** Throws 404 with the given text. */
export function podNamed({ find }: Host, namespace: string, name: string, text = 'pod does not exist'): Pod {
  const pod = find(namespace, name)
  if (!pod) throw new Refused(404, text)
  return pod
}

/** A part of a path without its percent signs; throws 400 for what cannot be read. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Refused(400, `invalid URL escape in ${JSON.stringify(part)}\n`)
  }
}
