export interface PullAuth {
  readonly username: string
  readonly password: string
  readonly server?: string
}

/** The registry host of an image: the first part when it looks like a host, else Docker's hub. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io'
}

/** Credentials for an image out of a kubernetes.io/dockerconfigjson or dockercfg secret. */
export function authFrom(
  secret: { type: string; data: Readonly<Record<string, Uint8Array>> },
  image: string,
): PullAuth | undefined {
  const bytes = secret.data['.dockerconfigjson'] ?? secret.data['.dockercfg']
  if (!bytes) return undefined
  const wanted = registryOf(image)
  for (const [server, entry] of Object.entries(entriesOf(bytes))) {
    const host = server.replace(/^https?:\/\//, '').split('/')[0] ?? ''
    const isHub = wanted === 'docker.io' && (host === 'index.docker.io' || host === 'docker.io')
    if (host !== wanted && !isHub) continue
    const [user, ...password] = Buffer.from(entry.auth ?? '', 'base64')
      .toString()
      .split(':')
    return { username: entry.username ?? user ?? '', password: entry.password ?? password.join(':'), server }
  }
  return undefined
}

type Entries = Record<string, { auth?: string; username?: string; password?: string }>

function entriesOf(bytes: Uint8Array): Entries {
  try {
    const parsed = JSON.parse(Buffer.from(bytes).toString()) as { auths?: Entries }
    return parsed.auths ?? (parsed as Entries)
  } catch {
    return {}
  }
}
