import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  bootstrapTokenName,
  clusterInfo,
  clusterInfoKey,
  parseBootstrapToken,
  tokenExpiry,
  tokenField,
} from '../api/bootstrap-tokens.ts'
import { ConfigMap } from '../api/core/config-map.ts'
import { Secret } from '../api/core/secret.ts'
import { ignore, isReason } from '../api/errors.ts'
import type { Client } from '../client/client.ts'
import { httpTransport } from '../client/http-transport.ts'
import { parseKubeconfig, selectConnection } from '../client/kubeconfig.ts'
import { createClient } from '../client/typed-client.ts'
import { systemClock, timestamp } from '../lib/clock.ts'
import { chosenDataDir, runningCluster } from './data-dir.ts'
import { parseDuration, parseFlags, UsageError } from './flags.ts'
import { allowJoining, bootstrapTokens, createToken, joinCommand, type Reachable } from './join-objects.ts'

const help = `Usage: wherry token create [TOKEN] [--ttl DURATION] [--description TEXT] | list | delete TOKEN...

Tokens that machines join a cluster with. \`create\` prints the command for that.

  --ttl DURATION           how long it is good for (default 24h; 0: for ever)
  --description TEXT       what it is for
  --usages LIST            signing, authentication (default both)
  --groups LIST            groups of whoever shows it (default system:bootstrappers:kubeadm:default-node-token)
  --token-only             print nothing but the token
  --data-dir DIR, --kubeconfig FILE   which cluster
`

const flags = {
  help: { type: 'boolean', short: 'h' },
  ttl: { type: 'string' },
  description: { type: 'string' },
  usages: { type: 'string' },
  groups: { type: 'string' },
  'token-only': { type: 'boolean' },
  'data-dir': { type: 'string' },
  kubeconfig: { type: 'string' },
} as const

/** `wherry token create|list|delete`. Answers the exit code. */
export async function token(args: string[]): Promise<number> {
  const [verb = '', ...rest] = args
  const words = rest.filter(word => parseBootstrapToken(word) || /^[a-z0-9]{6}$/.test(word))
  const values = parseFlags(
    rest.filter(word => !words.includes(word)),
    flags,
  )
  if (values.help || verb === '' || verb === '--help' || verb === '-h' || verb === 'help') {
    process.stdout.write(help)
    return verb === '' ? 1 : 0
  }
  if (!['create', 'list', 'delete'].includes(verb))
    throw new UsageError(`wherry token knows create, list and delete, not "${verb}"`)
  const { transport, connection } = await connect(values)
  const client = createClient(transport, { defaultCause: { actor: 'wherry token' } })
  try {
    if (verb === 'create') await create(client, words, values, { server: connection.server, ca: connection.ca ?? '' })
    else if (verb === 'list') await list(client)
    else await remove(client, words)
    return 0
  } finally {
    transport.close()
  }
}

async function connect(values: { 'data-dir'?: string | undefined; kubeconfig?: string | undefined }) {
  const path = values.kubeconfig ?? runningCluster(chosenDataDir(values['data-dir']))?.kubeconfig ?? process.env.KUBECONFIG
  if (!path) throw new UsageError('no cluster is running here; --kubeconfig FILE says which one is meant')
  const { transport: connection } = await selectConnection(await parseKubeconfig(readFileSync(path, 'utf8')), dirname(path))
  return { connection, transport: httpTransport({ ...connection, userAgent: 'wherry-token' }) }
}

type Flags = { readonly [flag in keyof typeof flags]?: string | boolean | undefined }

async function create(client: Client, words: readonly string[], values: Flags, known: Reachable): Promise<void> {
  const [word] = words
  const given = word === undefined ? undefined : parseBootstrapToken(word)
  if (word !== undefined && !given) throw new UsageError(`"${word}" is no token: it must be like abcdef.0123456789abcdef`)
  const ttl = String(values.ttl ?? '24h')
  const ttlInMs = ttl === '0' ? 0 : parseDuration('ttl', ttl)
  const usages = String(values.usages ?? 'signing,authentication').split(',')
  const unknown = usages.find(usage => usage !== 'signing' && usage !== 'authentication')
  if (unknown !== undefined) throw new UsageError(`--usages must be of signing and authentication, not "${unknown}"`)
  const reachable = await reachableAs(client, known)
  const made = await createToken(client, {
    expiresAt: ttlInMs > 0 ? systemClock.now() + ttlInMs : undefined,
    usages,
    ...(given && { token: given }),
    ...(values.description !== undefined && { description: String(values.description) }),
    ...(values.groups !== undefined && { groups: String(values.groups).split(',').filter(Boolean) }),
  })
  process.stdout.write(`${values['token-only'] ? made : joinCommand(reachable, made)}\n`)
}

/** As cluster-info says it; a cluster that nobody was meant to join gets one that says what our kubeconfig does. */
async function reachableAs(client: Client, known: Reachable): Promise<Reachable> {
  const info = await client.get(ConfigMap, clusterInfo).catch(ignore('NotFound'))
  const text = info?.data?.[clusterInfoKey]
  const cluster = text === undefined ? undefined : (await parseKubeconfig(text)).clusters?.[0]?.cluster
  const ca = cluster?.['certificate-authority-data']
  if (cluster && ca) return { server: cluster.server, ca: Buffer.from(ca, 'base64').toString() }
  await allowJoining(client, known)
  return known
}

async function list(client: Client): Promise<void> {
  const now = systemClock.now()
  const rows = (await bootstrapTokens(client)).map(secret => {
    const until = tokenExpiry(secret)
    const left = until === undefined ? '<forever>' : until <= now ? '<expired>' : duration(until - now)
    const usages = ['authentication', 'signing'].filter(usage => tokenField(secret, `usage-bootstrap-${usage}`) === 'true')
    return [
      `${tokenField(secret, 'token-id')}.${tokenField(secret, 'token-secret')}`,
      left,
      until === undefined || until === Number.NEGATIVE_INFINITY ? '<never>' : timestamp(until),
      usages.join(',') || '<none>',
      tokenField(secret, 'description') || '<none>',
      tokenField(secret, 'auth-extra-groups') || '<none>',
    ]
  })
  const table = [['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION', 'EXTRA GROUPS'], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map(row => row[column]?.length ?? 0))) ?? []
  for (const row of table)
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('   ')
        .trimEnd()}\n`,
    )
}

/** `23h59m`, in whole minutes; below that in seconds. */
function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes}m` : `${Math.floor(minutes / 60)}h${minutes % 60 ? `${minutes % 60}m` : ''}`
}

async function remove(client: Client, words: readonly string[]): Promise<void> {
  if (words.length === 0) throw new UsageError('wherry token delete needs a token or its first six letters')
  for (const word of words) {
    const id = parseBootstrapToken(word)?.id ?? word
    try {
      await client.delete(Secret, { namespace: 'kube-system', name: bootstrapTokenName(id) })
    } catch (error) {
      if (isReason(error, 'NotFound')) throw new UsageError(`there is no token "${id}"`)
      throw error
    }
    process.stdout.write(`bootstrap token "${id}" deleted\n`)
  }
}
