/** Who a pull is made as. */
export interface PullAuth {
  readonly username: string
  readonly password: string
}

/** As much of a Secret as credentials are read from. */
export interface PullSecret {
  readonly type: string
  readonly data: Readonly<Record<string, Uint8Array>>
}

interface Entry {
  readonly auth?: string
  readonly username?: string
  readonly password?: string
}

const hub = 'index.docker.io'

/**
 * All credentials of these secrets that are meant for an image, in the order in which they are to be tried: those for the longest path
 * first (pkg/credentialprovider/keyring.go). Throws an Error for a secret that cannot be read.
 */
export function pullAuths(secrets: readonly PullSecret[], image: string): PullAuth[] {
  const keyring = new Map<string, PullAuth[]>()
  for (const secret of secrets)
    for (const [place, entry] of Object.entries(entriesOf(secret))) {
      const key = keyOf(place)
      if (key === undefined) continue
      const known = keyring.get(key) ?? []
      keyring.set(key, [...known, authOf(entry)])
    }
  const repository = repositoryOf(image)
  const keys = [...keyring.keys()].sort().reverse()
  const found = keys.filter(key => isFor(key, repository)).flatMap(key => keyring.get(key) ?? [])
  return found.length > 0 || !isOnHub(repository) ? found : (keyring.get(hub) ?? [])
}

function entriesOf({ type, data }: PullSecret): Readonly<Record<string, Entry>> {
  const parse = (bytes: Uint8Array | undefined) => (bytes?.length ? JSON.parse(Buffer.from(bytes).toString()) : {})
  if (type === 'kubernetes.io/dockerconfigjson')
    return (parse(data['.dockerconfigjson']) as { auths?: Record<string, Entry> }).auths ?? {}
  if (type === 'kubernetes.io/dockercfg') return parse(data['.dockercfg']) as Record<string, Entry>
  return {}
}

/** `auth` is base64 of user:password and counts more than the two fields. */
function authOf({ auth, username = '', password = '' }: Entry): PullAuth {
  if (!auth) return { username, password }
  const text = Buffer.from(auth, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 0) throw new Error('unable to parse auth field, must be formatted as base64(username:password)')
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** `https://host:port/v1/path` is meant for `host:port/path`. `undefined`: it says nothing that could be a place. */
function keyOf(place: string): string | undefined {
  const parts = /^(?:https?:\/\/)?([^/?#]+)([^?#]*)/.exec(place)
  if (!parts?.[1]) return undefined
  const path = (parts[2] ?? '').replace(/^\/v[12]\//, '/')
  return path === '/' ? parts[1] : parts[1] + path
}

/** An image's name in full, without tag and digest: `busybox` is docker.io/library/busybox (distribution/reference). */
function repositoryOf(image: string): string {
  const name = image.replace(/@.*$/, '').replace(/:[^:/]+$/, '')
  const [first = '', ...rest] = name.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  if (hasHost) return first === hub ? ['docker.io', ...rest].join('/') : name
  return rest.length > 0 ? `docker.io/${name}` : `docker.io/library/${name}`
}

const isOnHub = (repository: string) => repository.startsWith('docker.io/')

/** The same number of parts of the host, each matching its pattern, the same port, and the path as a beginning. */
function isFor(key: string, repository: string): boolean {
  const wanted = splitPlace(key)
  const given = splitPlace(repository)
  if (wanted.port !== given.port || wanted.parts.length !== given.parts.length) return false
  if (!given.path.startsWith(wanted.path)) return false
  return wanted.parts.every((pattern, i) => matches(pattern, given.parts[i] ?? ''))
}

function splitPlace(place: string): { parts: string[]; port: string; path: string } {
  const [, host = '', port = '', path = ''] = /^(\[[^\]]*\]|[^/:]*)(?::(\d*))?(\/.*)?$/.exec(place) ?? []
  return { parts: host.split('.'), port, path }
}

/** `*` and `[a-z]`, as file names match. */
function matches(pattern: string, text: string): boolean {
  const source = pattern.replace(/\[\^?[^\]]+\]|[\s\S]/g, piece => {
    if (piece === '*') return '.*'
    return piece.length > 1 ? piece : piece.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  })
  return new RegExp(`^${source}$`, 's').test(text)
}
