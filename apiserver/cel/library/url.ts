import { addFunctions, CelError, type Library } from './library.ts'

/** The parts of a URL as Go's net/url takes it apart; nothing is normalised. */
class UrlValue {
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly query: string
  readonly text: string
  constructor(text: string, scheme: string, host: string, path: string, query: string) {
    this.text = text
    this.scheme = scheme
    this.host = host
    this.path = path
    this.query = query
  }
}

const grammar = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/(?:[^/?#@]*@)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/

/** Absolute URLs and absolute paths, as Go's ParseRequestURI; undefined: it is neither. */
function parse(text: string): UrlValue | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\x00-\x20\x7f]/.test(text) || /%(?![0-9a-fA-F]{2})/.test(text)) return undefined
  const [, scheme = '', host = '', path = '', query = ''] = grammar.exec(text) ?? []
  if (!scheme && !path.startsWith('/')) return undefined
  if (!scheme && text.startsWith('//')) return new UrlValue(text, '', '', text, '')
  if (!/^(\[[0-9a-fA-F:.]+(%25[^\]]+)?\]|[^[\]:]*)(:\d*)?$/.test(host)) return undefined
  return new UrlValue(text, scheme.toLowerCase(), host, path, query)
}

const portOf = (host: string) => /:(\d*)$/.exec(host.replace(/^\[.*\]/, ''))?.[1] ?? ''

function queryOf(query: string): Record<string, string[]> {
  const result: Record<string, string[]> = {}
  for (const [name, value] of new URLSearchParams(query)) (result[name] ??= []).push(value)
  return result
}

/** `url('https://a/b?c=d')` and its parts. */
export const urls: Library = env => {
  const type = 'kubernetes.URL'
  env.registerType(type, { ctor: UrlValue, fields: {} })
  env.registerOperator(`${type} == ${type}`, (a: UrlValue, b: UrlValue) => a.text === b.text)
  addFunctions(env, {
    [`url(string): ${type}`](text: string) {
      const url = parse(text)
      if (!url)
        throw new CelError(
          `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
        )
      return url
    },
    'isURL(string): bool': (text: string) => parse(text) !== undefined,
    [`${type}.getScheme(): string`]: ({ scheme }: UrlValue) => scheme,
    [`${type}.getHost(): string`]: ({ host }: UrlValue) => host,
    [`${type}.getHostname(): string`]: ({ host }: UrlValue) => host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'),
    [`${type}.getPort(): string`]: ({ host }: UrlValue) => portOf(host),
    [`${type}.getEscapedPath(): string`]: ({ path }: UrlValue) => path,
    [`${type}.getQuery(): map<string, list<string>>`]: ({ query }: UrlValue) => queryOf(query),
  })
}
