/** What somebody needs leave for: a verb on the node, under any one of the subresources. */
export interface NodeAttributes {
  /** Empty for methods that stand for no verb, which only a rule for everything allows. */
  readonly verb: string
  /** Leave for one of them is enough; asked in this order. */
  readonly subresources: readonly string[]
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** Paths that ask for less than everything (KubeletFineGrainedAuthz); who may use the proxy may use these too. */
const fine: readonly (readonly [path: string, subresource: string])[] = [
  ['/pods', 'pods'],
  ['/healthz', 'healthz'],
  ['/configz', 'configz'],
  ['/runningpods', 'pods'],
]

/** Paths with a subresource of their own; all others are `proxy`. */
const own: readonly (readonly [path: string, subresource: string])[] = [
  ['/stats', 'stats'],
  ['/metrics', 'metrics'],
  ['/logs', 'log'],
  ['/checkpoint', 'checkpoint'],
  ['/statusz', 'statusz'],
  ['/flagz', 'configz'],
]

/** What a request to a kubelet asks leave for (pkg/kubelet/server/auth.go, GetRequestAttributes). */
export function nodeAttributes(method: string, path: string): NodeAttributes {
  const of = (table: typeof own) => table.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))?.[1]
  const narrow = of(fine)
  const usual = of(own) ?? 'proxy'
  return { verb: verbs[method] ?? '', subresources: narrow ? [narrow, usual] : [usual] }
}
