import { createHash } from 'node:crypto'
import { ApiError } from '../api/errors.ts'
import { jsonSchemaOf } from '../api/json-schema.ts'
import { type AnyKind, apiVersionOf } from '../api/kind.ts'
import { bell } from '../lib/bell.ts'
import { nextTurn } from '../lib/turn.ts'
import { discoveryDocuments, type ExtraResource } from './discovery.ts'
import { openApiDocument } from './openapi.ts'
import { version } from './version.ts'

/** What the server says about itself: discovery, OpenAPI v3 and version. The same object as long as the content is the same. */
export interface Documents {
  /** The document at a path; NotFound if there is none. */
  at(path: string): unknown
  /**
   * Makes OpenAPI ahead, in small steps, once somebody has asked what there is: they will want it next, and all at once it takes a
   * tenth of a second. A server that nobody asks saves the ten megabytes.
   */
  prepare(signal: AbortSignal): Promise<void>
}

interface Options {
  readonly kinds: readonly AnyKind[]
  /** Kinds that are only ever sent to subresources: described, not served. */
  readonly bodyKinds?: readonly AnyKind[] | undefined
  /** Resources that others answer for. */
  readonly extraResources?: readonly ExtraResource[] | undefined
}

const openApiRoot = '/openapi/v3'

export function documents({ kinds, bodyKinds = [], extraResources = [] }: Options): Documents {
  let discovery: Map<string, object> | undefined
  const openApi = new Map<string, { document: object; hash: string }>()
  const groupVersions = new Map([...kinds, ...bodyKinds].map(kind => [groupPath(kind), apiVersionOf(kind)]))
  let index: object | undefined
  const wanted = bell()

  function openApiOf(path: string): { document: object; hash: string } | undefined {
    const groupVersion = groupVersions.get(path)
    if (groupVersion === undefined) return undefined
    let known = openApi.get(path)
    if (!known) {
      const here = (kind: AnyKind) => apiVersionOf(kind) === groupVersion
      const document = openApiDocument(kinds.filter(here), bodyKinds.filter(here))
      const hash = createHash('sha256').update(JSON.stringify(document)).digest('hex').toUpperCase()
      openApi.set(path, (known = { document, hash }))
    }
    return known
  }

  /** Clients cache documents by address, so the address changes with the content. */
  function openApiIndex(): object {
    const entries = [...groupVersions.keys()].map(path => {
      const serverRelativeURL = `${openApiRoot}/${path}?hash=${openApiOf(path)?.hash}`
      return [path, { serverRelativeURL }] as const
    })
    return { paths: Object.fromEntries(entries) }
  }

  function find(path: string): unknown {
    if (path === '/version') return version
    if (path === openApiRoot) return (index ??= openApiIndex())
    if (path.startsWith(`${openApiRoot}/`)) return openApiOf(path.slice(openApiRoot.length + 1))?.document
    discovery ??= discoveryDocuments(kinds, extraResources)
    wanted.ring()
    return discovery.get(path)
  }

  return {
    at(path) {
      const [bare = path] = path.split('?')
      const document = find(bare)
      if (document) return document
      throw new ApiError('NotFound', 'the server could not find the requested resource', { details: {} })
    },
    async prepare(signal) {
      if (!discovery) await wanted.wait(signal)
      const steps = [
        ...[...kinds, ...bodyKinds].map(kind => () => jsonSchemaOf(kind)),
        ...[...groupVersions.keys()].map(path => () => openApiOf(path)),
      ]
      for (const step of steps) {
        await nextTurn()
        if (signal.aborted) return
        step()
      }
    },
  }
}

/** `api/v1`, `apis/apps/v1` */
const groupPath = (kind: AnyKind) => `${kind.group ? 'apis' : 'api'}/${apiVersionOf(kind)}`
