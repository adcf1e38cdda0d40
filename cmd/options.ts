import { parseArgs } from 'node:util'
import { type LogLevel, logLevels } from '../lib/log.ts'
import { dataDir } from './data-dir.ts'

/** A mistake of the user's: told in one line, without a stack. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

export interface UpOptions {
  readonly detach: boolean
  readonly dataDir: string
  readonly port: number
  readonly kubeconfig: string
  readonly nodes: number
  readonly simulatedNodes: number
  readonly runtime: 'docker' | 'simulated'
  readonly store: 'level' | 'memory'
  readonly logLevel: LogLevel
  /** Where to write down who did what; `auditPolicy` says how much of it. */
  readonly auditLog?: string
  readonly auditPolicy?: string
  /** Tokens and whose they are. */
  readonly tokenFile?: string
  readonly issuer?: string
  /** A file of figures that stands in for the machine's own memory and disks (kubelet/eviction/README.md). */
  readonly signals?: string
  readonly evictionHard?: string
  readonly evictionSoft?: string
  readonly evictionSoftGracePeriod?: string
  readonly evictionMinimumReclaim?: string
  readonly evictionTransitionPeriodInMs?: number
}

export const upHelp = `Usage: wherry up [flags]

Runs a cluster in this process until Ctrl-C. Pods keep running; the next \`up\` adopts them.

  --detach                 start in the background and return when ready
  --data-dir DIR           where everything is kept (default ~/.wherry/default)
  --port N                 API port on 127.0.0.1 (default 6443; 0 picks one)
  --kubeconfig FILE        where to write the kubeconfig (default in the data dir)
  --nodes N                logical nodes on this Docker engine (default 1)
  --simulated-nodes N      nodes whose containers are only simulated (default 0)
  --runtime NAME           docker or simulated (default docker)
  --store NAME             level or memory (default level)
  --log-level NAME         ${logLevels.join(', ')} (default warn)
  --audit-log-path FILE    write down who did what, one JSON object a line
  --audit-policy-file FILE how much of it (audit.k8s.io/v1 Policy); metadata of everything unless given
  --token-auth-file FILE   bearer tokens to believe: lines of token,user,uid,"group1,group2"
  --service-account-issuer URL   who tokens of service accounts are from
  --signals FILE           read memory and disk figures from FILE instead of the machine, to show evictions
  --eviction-hard LIST     hard thresholds, e.g. memory.available<100Mi,nodefs.available<10%
  --eviction-soft LIST     soft thresholds; each needs a grace period
  --eviction-soft-grace-period LIST      e.g. memory.available=30s
  --eviction-minimum-reclaim LIST        e.g. memory.available=50Mi
  --eviction-pressure-transition-period DURATION   (default 5m)
`

function wholeNumber(name: string, text: string, max: number): number {
  if (!/^\d+$/.test(text) || Number(text) > max)
    throw new UsageError(`--${name} must be a whole number from 0 to ${max}, not "${text}"`)
  return Number(text)
}

function oneOf<Name extends string>(flag: string, text: string, names: readonly Name[]): Name {
  const name = names.find(candidate => candidate === text)
  if (name === undefined) throw new UsageError(`--${flag} must be one of ${names.join(', ')}, not "${text}"`)
  return name
}

/** A duration such as `90s`, `5m` or `1h30m`, in milliseconds. */
export function parseDuration(flag: string, text: string): number {
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const
  if (!/^(\d+(\.\d+)?(ms|h|m|s))+$/.test(text))
    throw new UsageError(`--${flag} must be a duration such as 30s or 5m, not "${text}"`)
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g))
    total += Number(amount) * units[unit as keyof typeof units]
  return total
}

/** parseArgs with its errors told as ours. */
export function parseFlags<const Options extends NonNullable<Parameters<typeof parseArgs>[0]>['options']>(
  args: string[],
  options: Options,
) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error))
  }
}

/** What the flags of `wherry up` say. Throws a UsageError that names the flag. */
export function parseUp(args: string[]): UpOptions | 'help' {
  const values = parseFlags(args, {
    help: { type: 'boolean', short: 'h' },
    detach: { type: 'boolean' },
    'data-dir': { type: 'string' },
    port: { type: 'string' },
    kubeconfig: { type: 'string' },
    nodes: { type: 'string' },
    'simulated-nodes': { type: 'string' },
    runtime: { type: 'string' },
    store: { type: 'string' },
    'log-level': { type: 'string' },
    'audit-log-path': { type: 'string' },
    'audit-policy-file': { type: 'string' },
    'token-auth-file': { type: 'string' },
    'service-account-issuer': { type: 'string' },
    signals: { type: 'string' },
    'eviction-hard': { type: 'string' },
    'eviction-soft': { type: 'string' },
    'eviction-soft-grace-period': { type: 'string' },
    'eviction-minimum-reclaim': { type: 'string' },
    'eviction-pressure-transition-period': { type: 'string' },
  })
  if (values.help) return 'help'
  const dir = dataDir(values['data-dir'])
  const nodes = wholeNumber('nodes', values.nodes ?? '1', 100)
  const simulatedNodes = wholeNumber('simulated-nodes', values['simulated-nodes'] ?? '0', 10_000)
  return {
    detach: values.detach ?? false,
    dataDir: dir.path,
    port: wholeNumber('port', values.port ?? '6443', 65_535),
    kubeconfig: values.kubeconfig ?? dir.kubeconfig,
    nodes,
    simulatedNodes,
    runtime: oneOf('runtime', values.runtime ?? 'docker', ['docker', 'simulated']),
    store: oneOf('store', values.store ?? 'level', ['level', 'memory']),
    logLevel: oneOf('log-level', values['log-level'] ?? 'warn', logLevels),
    ...identityOptions(values),
    ...(values.signals !== undefined && { signals: values.signals }),
    ...(values['eviction-hard'] !== undefined && { evictionHard: values['eviction-hard'] }),
    ...(values['eviction-soft'] !== undefined && { evictionSoft: values['eviction-soft'] }),
    ...(values['eviction-soft-grace-period'] !== undefined && { evictionSoftGracePeriod: values['eviction-soft-grace-period'] }),
    ...(values['eviction-minimum-reclaim'] !== undefined && { evictionMinimumReclaim: values['eviction-minimum-reclaim'] }),
    ...(values['eviction-pressure-transition-period'] !== undefined && {
      evictionTransitionPeriodInMs: parseDuration(
        'eviction-pressure-transition-period',
        values['eviction-pressure-transition-period'],
      ),
    }),
  }
}

type IdentityFlags = 'audit-log-path' | 'audit-policy-file' | 'token-auth-file' | 'service-account-issuer'

function identityOptions(values: { readonly [Flag in IdentityFlags]?: string | undefined }) {
  const auditLog = values['audit-log-path']
  const auditPolicy = values['audit-policy-file']
  const tokenFile = values['token-auth-file']
  const issuer = values['service-account-issuer']
  if (auditPolicy !== undefined && auditLog === undefined) {
    throw new UsageError('--audit-policy-file needs --audit-log-path: without a log there is nothing to write')
  }
  if (issuer !== undefined && !/^https:\/\/[^?#\s]+$/.test(issuer)) {
    throw new UsageError(`--service-account-issuer must be an https URL without query and fragment, not "${issuer}"`)
  }
  return {
    ...(auditLog !== undefined && { auditLog }),
    ...(auditPolicy !== undefined && { auditPolicy }),
    ...(tokenFile !== undefined && { tokenFile }),
    ...(issuer !== undefined && { issuer }),
  }
}
