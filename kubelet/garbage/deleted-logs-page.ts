import { ApiError } from '../../api/errors.ts'
import type { ContainerLogOptions, NodeAgent, NodeAnswer } from '../../api/node-agent.ts'
import type { KeptLogs } from './kept-logs.ts'

type Serve = NonNullable<NodeAgent['serve']>

/**
 * `/deletedLogs/{namespace}/{pod}?uid=&container=&...`, with the parameters of a log: `{log}` in base64, since logs are bytes; a Status if
 * there is none. All other paths are those of `others`.
 */
export function withDeletedLogs(logs: Pick<KeptLogs, 'read'>, others: Serve): Serve {
  return async (path, query) => {
    const [, namespace, name] = /^\/deletedLogs\/([^/]+)\/([^/]+)$/.exec(path) ?? []
    if (namespace === undefined || name === undefined) return others(path, query)
    const target = { namespace: decodeURIComponent(namespace), name: decodeURIComponent(name), uid: query.get('uid') ?? '' }
    try {
      const chunks: Uint8Array[] = []
      for await (const chunk of logs.read({ ...target, container: query.get('container') ?? '' }, deletedLogOptions(query)))
        chunks.push(chunk)
      return inJson(200, { log: Buffer.concat(chunks).toString('base64') })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return inJson(error.status.code, error.status)
    }
  }
}

const inJson = (status: number, body: object): NodeAnswer => ({
  status,
  contentType: 'application/json',
  body: JSON.stringify(body),
})

/** What can be asked of a log that is over. What is no number counts as not asked. */
export function deletedLogOptions(query: URLSearchParams): ContainerLogOptions {
  const number = (name: string) => {
    const text = query.get(name)
    return text !== null && /^\d+$/.test(text) ? { [name]: Number(text) } : {}
  }
  const sinceTime = query.get('sinceTime')
  return {
    ...number('tailLines'),
    ...number('limitBytes'),
    ...number('sinceSeconds'),
    ...(sinceTime && !Number.isNaN(Date.parse(sinceTime)) && { sinceTime }),
    timestamps: query.get('timestamps') === 'true',
    previous: query.get('previous') === 'true',
  }
}
