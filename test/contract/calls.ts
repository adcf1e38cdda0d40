import { expect } from 'vitest'
import { ApiError, type Status } from '../../api/errors.ts'
import type { Call, CallOptions, KubeList, KubeObject, PatchType, Target, Transport, WatchEvent } from '../../api/transport.ts'

export type Json = Record<string, unknown>
export type AnyObject = KubeObject & Json

export const configMaps: Target = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' }
export const pods: Target = { ...configMaps, resource: 'pods' }
export const namespaces: Target = { group: '', version: 'v1', resource: 'namespaces' }
export const deployments: Target = { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'default' }

export const configMap = (name: string, data: Json = {}, metadata: Json = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
})

export const pod = (name: string, metadata: Json = {}, spec: Json = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'main', image: 'nginx' }], ...spec },
})

export const deployment = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
  },
})

export const names = ({ items }: KubeList) => items.map(({ metadata }) => metadata.name)

/** The Status that a promise is refused with; fails the test when it is not. */
export function refusal(promise: Promise<unknown>): Promise<Status> {
  return promise.then(
    () => expect.unreachable('was not refused'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(ApiError)
      return (error as ApiError).status
    },
  )
}

/** The verbs as short calls, for tests. */
export function callsOn(transport: () => Transport) {
  const call = <T = AnyObject>(call: Call) => transport().call(call) as Promise<T>
  return {
    call,
    create: <T = AnyObject>(target: Target, body: unknown, more: Partial<Call> = {}) =>
      call<T>({ ...target, verb: 'create', body, ...more }),
    get: (target: Target, name: string, options: CallOptions = {}) => call({ ...target, verb: 'get', name, options }),
    list: (target: Target, options: CallOptions = {}) => call<KubeList<AnyObject>>({ ...target, verb: 'list', options }),
    update: (target: Target, name: string, body: unknown, more: Partial<Call> = {}) =>
      call({ ...target, verb: 'update', name, body, ...more }),
    patch: <T = AnyObject>(target: Target, name: string, patchType: PatchType, body: unknown, more: Partial<Call> = {}) =>
      call<T>({ ...target, verb: 'patch', name, patchType, body, ...more }),
    remove: (target: Target, name: string, options: CallOptions = {}) => call({ ...target, verb: 'delete', name, options }),
    watch: (target: Target, options: CallOptions, signal: AbortSignal) => follow(transport(), target, options, signal),
  }
}

/** A watch that runs in the background. */
export interface Followed {
  readonly events: readonly WatchEvent[]
  /** The first so many events as `ADDED name`, as soon as they are there; fewer if the watch ends before. */
  until(count: number): Promise<string[]>
  /** Resolves when the watch ends, rejects with what it failed with. */
  readonly done: Promise<void>
}

export function follow(transport: Transport, target: Target, options: CallOptions, signal: AbortSignal): Followed {
  const events: WatchEvent[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const done = (async () => {
    for await (const batch of transport.watch({ ...target, verb: 'watch', options }, signal)) {
      events.push(...batch)
      for (const { count, resolve } of waiting) if (events.length >= count) resolve()
    }
  })()
  done.catch(() => {}) // whoever cares awaits it
  return {
    events,
    done,
    async until(count) {
      if (events.length < count) {
        await Promise.race([new Promise<void>(resolve => waiting.push({ count, resolve })), done])
      }
      return events.slice(0, count).map(({ type, object }) => `${type} ${object.metadata.name}`)
    },
  }
}
