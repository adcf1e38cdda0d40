import { Pod } from '../api/core/pod.ts'
import { humanDuration } from '../api/duration.ts'
import { ApiError, type Status } from '../api/errors.ts'
import type { AnyKind } from '../api/kind.ts'
import type { NodeAgent } from '../api/node-agent.ts'
import { matchesLabels, parseLabelSelector } from '../api/selectors.ts'
import type { KubeObject } from '../api/transport.ts'
import type { UserInfo } from '../api/user.ts'
import { type Clock, timestamp } from '../lib/clock.ts'
import type { Store } from '../storage/store.ts'
import { type DeletedObject, deletedObjects } from './deleted.ts'
import type { Pipeline } from './pipeline.ts'
import type { TableMaker } from './table.ts'

const path = '/wherry/v1/deleted/'

interface Options {
  readonly store: Store
  readonly authorize: Pipeline['authorize']
  readonly nodeAgents: (nodeName: string) => NodeAgent | undefined
  /** The columns of pods. */
  readonly table: () => TableMaker | undefined
  readonly keepInMs: number
  readonly clock: Clock
}

/**
 * Pods that were deleted a while ago, and their last logs:
 * `GET /wherry/v1/deleted/pods?namespace=&name=&labelSelector=` to those who may list (with a name: get) pods there, answers
 * `{items: [{deletedAt, object}], table}`; `GET /wherry/v1/deleted/log?namespace=&name=&uid=&container=&...`, with the parameters of a log,
 * to those who may get pods/log, answers `{log}` in base64. Other paths are not ours.
 */
export function deletedRoute({ store, authorize, nodeAgents, table, keepInMs, clock }: Options) {
  const find = (namespace: string | undefined, name: string | undefined) =>
    deletedObjects(store, Pod as AnyKind, { namespace, name, since: clock.now() - keepInMs })

  async function pods(query: URLSearchParams, user: UserInfo): Promise<unknown> {
    const namespace = query.get('namespace') || undefined
    const name = query.get('name') || undefined
    await authorize({ user, verb: name ? 'get' : 'list', group: '', version: 'v1', resource: 'pods', namespace, name })
    const selector = parseLabelSelector(query.get('labelSelector') ?? '')
    const all = await find(namespace, name)
    const items = all.filter(({ object }) => matchesLabels(selector, object.metadata.labels ?? {}))
    return { items: items.map(({ deletedAt, object }) => ({ deletedAt: timestamp(deletedAt), object })), table: tableOf(items) }
  }

  /** As `get pods` shows them, and when they went. */
  function tableOf(items: readonly DeletedObject[]) {
    const maker = table()
    const gone = { name: 'Deleted', type: 'string', format: '', description: 'How long ago it was deleted.', priority: 0 }
    const now = clock.now()
    return {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: {},
      columnDefinitions: [...(maker?.columns ?? []), gone],
      rows: items.map(({ deletedAt, object }) => ({
        // The age that it reached, and how it was rather than that it was about to go.
        cells: [...(maker?.cells(lively(object), deletedAt) ?? []), `${humanDuration(now - deletedAt)} ago`],
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
      })),
    }
  }

  async function log(query: URLSearchParams, user: UserInfo): Promise<unknown> {
    const namespace = query.get('namespace') || undefined
    const name = query.get('name') || undefined
    if (!namespace || !name) throw new ApiError('BadRequest', `${path}log needs the parameters namespace and name`)
    await authorize({ user, verb: 'get', group: '', version: 'v1', resource: 'pods', subresource: 'log', namespace, name })
    const uid = query.get('uid')
    const gone = (await find(namespace, name)).find(({ object }) => !uid || object.metadata.uid === uid)
    const pod = gone?.object as unknown as Pod | undefined
    if (!pod) throw new ApiError('NotFound', `no pod ${JSON.stringify(name)} was deleted in the last ${humanDuration(keepInMs)}`)
    const { nodeName } = pod.spec
    if (!nodeName) throw new ApiError('NotFound', `pod ${JSON.stringify(name)} never ran`)
    const agent = nodeAgents(nodeName)
    if (!agent?.serve)
      throw new ApiError('ServiceUnavailable', `the kubelet of node ${JSON.stringify(nodeName)} cannot be reached`)
    const asked = new URLSearchParams(query)
    asked.set('uid', pod.metadata.uid)
    const answer = await agent.serve(`/deletedLogs/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`, asked)
    if (!answer) throw new ApiError('NotFound', `node ${JSON.stringify(nodeName)} keeps no logs of deleted pods`)
    if (answer.status === 200) return JSON.parse(answer.body) as unknown
    throw new ApiError(answer.status === 400 ? 'BadRequest' : 'NotFound', messageIn(answer.body))
  }

  return (requested: string, query: URLSearchParams, user: UserInfo): Promise<unknown> | undefined => {
    if (requested === `${path}pods`) return pods(query, user)
    if (requested === `${path}log`) return log(query, user)
    return undefined
  }
}

function lively(object: KubeObject): KubeObject {
  const { deletionTimestamp: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

function messageIn(body: string): string {
  try {
    return (JSON.parse(body) as Partial<Status>).message ?? body
  } catch {
    return body
  }
}
