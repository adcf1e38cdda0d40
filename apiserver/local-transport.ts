import { ApiError } from '../api/errors.ts'
import type { ContainerLogOptions, ExecOptions } from '../api/node-agent.ts'
import type { Call, KubeObject, Transport, WatchEvent } from '../api/transport.ts'
import type { UserInfo } from '../api/user.ts'
import type { Clock } from '../lib/clock.ts'
import type { Lane, Pace } from '../lib/pace.ts'
import type { Pipeline } from './pipeline.ts'
import type { ApiResponse } from './request.ts'
import { visitInSlices } from './slices.ts'

interface Options {
  readonly pipeline: Pick<Pipeline, 'handle' | 'documents' | 'authorize'>
  readonly user: UserInfo
  readonly clock: Clock
  /** Shared by all who come this way: thousands of calls at once must not keep the others waiting. */
  readonly pace: Pace
}

/** The way into the API server of the same process: no sockets, no copies. What it hands out is frozen and shared. */
export function localTransport({ pipeline, user, clock, pace }: Options): Transport {
  const { handle, documents, authorize } = pipeline
  const pods = { group: '', version: 'v1', resource: 'pods' } as const

  const fieldManager = managerName(user)
  const lane: Lane = user.groups.includes('system:nodes') ? 'node' : 'cluster'

  /** Callers in the process build their objects with the kinds' own types: fields are not checked for being known. */
  const request = (call: Call, signal?: AbortSignal) => ({
    ...call,
    options: { fieldValidation: 'Ignore' as const, fieldManager, ...call.options },
    user,
    ...(signal && { signal }),
  })

  async function itemsOf({ items }: Extract<ApiResponse, { type: 'list' }>): Promise<KubeObject[]> {
    const objects: KubeObject[] = []
    await visitInSlices(items, clock, item => objects.push(item.object))
    return objects
  }

  return {
    async call(call, signal) {
      const turn = pace.turn(lane)
      if (turn) await turn
      const response = await handle(request(call, signal))
      if (response.type === 'object') return response.object
      if (response.type !== 'list') throw new ApiError('BadRequest', `${call.verb} answers no object`)
      const { apiVersion, kind, resourceVersion, remainingItemCount } = response
      const metadata = {
        resourceVersion,
        ...(response.continue !== undefined && { continue: response.continue }),
        ...(remainingItemCount !== undefined && { remainingItemCount }),
      }
      return { apiVersion, kind, metadata, items: await itemsOf(response) }
    },
    async *watch(call, signal): AsyncGenerator<readonly WatchEvent[]> {
      const response = await handle(request({ ...call, verb: 'watch' }, signal))
      if (response.type === 'watch') yield* response.events
    },
    async *logs(target, options: ContainerLogOptions, signal) {
      const call: Call = { ...pods, ...target, verb: 'get', subresource: 'log' }
      const response = await handle({ ...request(call, signal), parameters: { ...options } })
      if (response.type === 'bytes') yield* response.chunks
    },
    async exec(target, options: ExecOptions & { container?: string }) {
      const call: Call = { ...pods, ...target, verb: 'create', subresource: 'exec' }
      const response = await handle({ ...request(call), parameters: { ...options } })
      if (response.type !== 'session') throw new ApiError('InternalError', 'exec answers no session')
      return response.session
    },
    async raw(path) {
      await authorize({ user, verb: 'get', group: '', resource: '', path })
      return documents.at(path)
    },
  }
}

/** What a component calls itself where it says which fields it has set: what its User-Agent would be over HTTP. */
function managerName({ name }: UserInfo): string {
  if (name.startsWith('system:node:')) return 'kubelet'
  if (name.startsWith('system:serviceaccount:kube-system:')) return 'kube-controller-manager'
  return name.startsWith('system:') ? name.slice(name.lastIndexOf(':') + 1) : name
}
