import type { Target } from '../../api/transport.ts'
import { isTrue } from './query.ts'
import type { Location } from './request.ts'

/** What a request is about, as authorization, audit and overload protection see it. One about no resource has a path. */
export interface RequestAttributes {
  /** A verb of the API; of a request for a path the HTTP method in lower case. */
  readonly verb: string
  readonly group: string
  readonly version?: string | undefined
  readonly resource: string
  readonly subresource?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly path?: string | undefined
}

const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch' }
const pathVerbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'head',
  POST: 'post',
  PUT: 'put',
  PATCH: 'patch',
  DELETE: 'delete',
  OPTIONS: 'options',
}

/** The verb of a request for a path that is no resource. */
const pathVerbOf = (method = 'GET') => pathVerbs[method] ?? method.toLowerCase()

/** Without looking at the body (k8s.io/apiserver/pkg/endpoints/request/requestinfo.go). */
export function attributesOf(method = 'GET', target: Target | undefined, { path, query }: Location): RequestAttributes {
  if (!target) return { verb: pathVerbOf(method), group: '', resource: '', path }
  const { group, version, resource, namespace, subresource } = target
  const name = target.name ?? selectedName(query)
  return { verb: verbOf(method, target, query), group, version, resource, namespace, subresource, name }
}

function verbOf(method: string, { name }: Target, query: URLSearchParams): string {
  const given = verbs[method]
  if (given) return given
  if (method === 'DELETE') return name === undefined ? 'deletecollection' : 'delete'
  if (name !== undefined) return 'get'
  return isTrue(query.get('watch')) ? 'watch' : 'list'
}

function selectedName(query: URLSearchParams): string | undefined {
  const selector = query.size > 0 ? query.get('fieldSelector') : null
  return selector ? /(?:^|,)metadata\.name==?([^,]+)/.exec(selector)?.[1] : undefined
}
