import { createHash } from 'node:crypto'
import { ApiError } from '../api/errors.ts'
import { jsonSchemaOf } from '../api/json-schema.ts'
import { type AnyKind, apiVersionOf } from '../api/kind.ts'
import { deferred } from '../lib/deferred.ts'
import { aborted } from '../lib/run.ts'
import { nextTurn } from '../lib/turn.ts'
import { discoveryDocuments } from './discovery.ts'
import type { KindTable } from './kind-table.ts'
import { openApiV2 } from './openapi/v2.ts'
import { type OpenApi, openApiDocument } from './openapi/v3.ts'
import { version } from './version.ts'

/** What the server says about itself: discovery, OpenAPI v3 and v2, and version. The same object as long as the content is the same. */
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
  readonly kinds: KindTable
  /** Kinds that are only ever sent to subresources: described, not served. */
  readonly bodyKinds?: readonly AnyKind[] | undefined
}

const openApiRoot = '/openapi/v3'
const openApiV2Path = '/openapi/v2'

/** Documents about the kinds that are served, made anew when kinds come or go. */
export function documents({ kinds, bodyKinds = [] }: Options): Documents {
  let made = papers(kinds.all, bodyKinds)
  let seen = kinds.version
  const asked = deferred()

  /** What is said now; said anew when kinds come or go. */
  function current(): Papers {
    if (seen === kinds.version) return made
    seen = kinds.version
    return (made = papers(kinds.all, bodyKinds, made))
  }

  return {
    at(path) {
      const [bare = path] = path.split('?')
      if (!bare.startsWith('/openapi/')) asked.resolve()
      const document = current().find(bare)
      if (document) return document
      throw new ApiError('NotFound', 'the server could not find the requested resource', { details: {} })
    },
    async prepare(signal) {
      await Promise.race([asked.promise, aborted(signal)])
      for (const step of current().steps()) {
        await nextTurn()
        if (signal.aborted) return
        step()
      }
    },
  }
}

/** The documents about one set of kinds. */
interface Papers {
  find(path: string): unknown
  /** What it takes to have all of OpenAPI at hand. */
  steps(): (() => unknown)[]
  /** The OpenAPI document of a path that describes exactly these kinds, if it was made already. */
  known(path: string, here: readonly AnyKind[]): Described | undefined
}

/** An OpenAPI document of one group and version. */
interface Described {
  readonly kinds: readonly AnyKind[]
  readonly document: OpenApi
  readonly hash: string
}

function papers(kinds: readonly AnyKind[], bodyKinds: readonly AnyKind[], former?: Papers): Papers {
  let discovery: Map<string, object> | undefined
  const openApi = new Map<string, Described>()
  const everyKind = [...kinds, ...bodyKinds]
  const groupVersions = new Map(everyKind.map(kind => [groupPath(kind), apiVersionOf(kind)]))
  let index: object | undefined
  let swagger: object | undefined

  function openApiOf(path: string): Described | undefined {
    const groupVersion = groupVersions.get(path)
    if (groupVersion === undefined) return undefined
    let known = openApi.get(path)
    if (!known) {
      const isHere = (kind: AnyKind) => apiVersionOf(kind) === groupVersion
      const here = everyKind.filter(isHere)
      openApi.set(path, (known = former?.known(path, here) ?? describe(here, kinds.filter(isHere), bodyKinds.filter(isHere))))
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

  return {
    find(path) {
      if (path === '/version') return version
      if (path === openApiRoot) return (index ??= openApiIndex())
      if (path === openApiV2Path)
        return (swagger ??= openApiV2([...groupVersions.keys()].flatMap(at => openApiOf(at)?.document ?? [])))
      if (path.startsWith(`${openApiRoot}/`)) return openApiOf(path.slice(openApiRoot.length + 1))?.document
      discovery ??= discoveryDocuments(kinds)
      return discovery.get(path)
    },
    steps: () => [
      ...everyKind.map(kind => () => jsonSchemaOf(kind)),
      ...[...groupVersions.keys()].map(path => () => openApiOf(path)),
    ],
    known(path, here) {
      const known = openApi.get(path)
      return known?.kinds.length === here.length && known.kinds.every((kind, at) => kind === here[at]) ? known : undefined
    },
  }
}

function describe(kinds: readonly AnyKind[], served: readonly AnyKind[], bodies: readonly AnyKind[]): Described {
  const document = openApiDocument(served, bodies)
  return { kinds, document, hash: createHash('sha256').update(JSON.stringify(document)).digest('hex').toUpperCase() }
}

/** `api/v1`, `apis/apps/v1` */
const groupPath = (kind: AnyKind) => `${kind.group ? 'apis' : 'api'}/${apiVersionOf(kind)}`
