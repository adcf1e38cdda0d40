import { parseArgs } from 'node:util'
import { type LogLevel, logLevels } from '../lib/log.ts'
import { dataDir } from './data-dir.ts'

/** A mistake of the user's: told in one line, without a stack. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageError'
  }
}

/** How a kubelet on Docker works. */
export interface KubeletOptions {
  /** A file of figures that stands in for the machine's own memory and disks (kubelet/eviction/README.md). */
  readonly signals?: string
  readonly evictionHard?: string
  readonly evictionSoft?: string
  readonly evictionSoftGracePeriod?: string
  readonly evictionMinimumReclaim?: string
  readonly evictionTransitionPeriodInMs?: number
  readonly evictionMaxPodGraceSeconds?: number
  /** What kubelets set aside, throw away and keep (garbage-flags.ts), as written. */
  readonly garbage?: GarbageFlags
  /** Static pods and shutdown (pod-flags.ts), as written. */
  readonly pods?: PodFlags
  /** What nodes have to give (resource-flags.ts), as written. */
  readonly resources?: ResourceFlags
}

/** Where a server listens for other machines, and how they reach it. */
export interface ExposedOptions {
  readonly bindAddress: string
  /** Absent: the first address of this machine. */
  readonly advertiseAddress?: string
  /** More names and addresses in the server's certificate. */
  readonly names: readonly string[]
  /** How long the token to join with is good for. */
  readonly tokenTtlInMs: number
}

export interface UpOptions extends KubeletOptions {
  readonly detach: boolean
  readonly dataDir: string
  readonly port: number
  readonly kubeconfig: string
  readonly nodes: number
  readonly simulatedNodes: number
  /** A file of what simulated nodes are to play. */
  readonly simulatedStages?: string
  readonly runtime: 'docker' | 'simulated'
  readonly store: 'level' | 'memory'
  readonly logLevel: LogLevel
  /** Where to write down who did what; `auditPolicy` says how much of it. */
  readonly auditLog?: string
  readonly auditPolicy?: string
  /** A file that says what Pod Security holds pods to where namespaces do not. */
  readonly admissionConfig?: string
  /** Tokens and whose they are. */
  readonly tokenFile?: string
  readonly issuer?: string
  /** How others reach the server; absent: nobody but this machine does. */
  readonly exposed?: ExposedOptions
  /** Which range of addresses pods get; absent: one that is free here. */
  readonly clusterCidr?: string
  /** When nodes that say nothing are given up, in milliseconds. */
  readonly nodeMonitor?: { readonly graceInMs?: number; readonly startupGraceInMs?: number; readonly everyMs?: number }
  readonly signingDurationInMs?: number
}

/** Flags about where kubelets on Docker have pods from, what these may do and how they end; all of them take a text. */
export const podFlagNames = [
  'static-pod-path',
  'shutdown-grace-period',
  'shutdown-grace-period-critical-pods',
  'shutdown-grace-period-by-pod-priority',
  'allowed-unsafe-sysctls',
  'seccomp-default',
  'sandbox-pool',
  'sandbox-pool-hostname',
] as const

export type PodFlags = { readonly [name in (typeof podFlagNames)[number]]?: string | undefined }

/** Flags about what kubelets on Docker have to give; all of them take a text. */
export const resourceFlagNames = [
  'max-pods',
  'pods-per-core',
  'pod-max-pids',
  'reserved-cpus',
  'cpu-cfs-quota',
  'cpu-cfs-quota-period',
  'cgroups-per-qos',
  'enforce-node-allocatable',
  'cpu-manager-policy',
  'memory-manager-policy',
  'topology-manager-policy',
  'devices',
  'device-plugins',
] as const

export type ResourceFlags = { readonly [name in (typeof resourceFlagNames)[number]]?: string | undefined }

/** Flags of kubelets on Docker; all of them take a text. */
export const garbageFlagNames = [
  'system-reserved',
  'kube-reserved',
  'image-gc-high-threshold',
  'image-gc-low-threshold',
  'image-gc-scope',
  'minimum-image-ttl-duration',
  'maximum-image-ttl-duration',
  'maximum-dead-containers-per-container',
  'maximum-dead-containers',
  'container-log-max-size',
  'container-log-max-files',
  'keep-deleted',
] as const

export type GarbageFlags = { readonly [name in (typeof garbageFlagNames)[number]]?: string | undefined }

export const upHelp = `Usage: wherry up [flags]

Runs a cluster in this process until Ctrl-C. Pods keep running; the next \`up\` adopts them.

  --detach                 start in the background and return when ready
  --data-dir DIR           where everything is kept (default ~/.wherry/default)
  --port N                 API port on 127.0.0.1 (default 6443; 0 picks one)
  --kubeconfig FILE        where to write the kubeconfig (default in the data dir)
  --nodes N                logical nodes on this Docker engine (default 1)
  --simulated-nodes N      nodes whose containers are only simulated (default 0)
  --simulated-stages FILE  what goes on on them: failures, delays, use of resources (kubelet/runtime/simulated/README.md)
  --runtime NAME           docker or simulated (default docker)
  --store NAME             level or memory (default level)
  --log-level NAME         ${logLevels.join(', ')} (default warn)
  --audit-log-path FILE    write down who did what, one JSON object a line
  --audit-policy-file FILE how much of it (audit.k8s.io/v1 Policy); metadata of everything unless given
  --admission-control-config-file FILE   standards that pods are held to, and who is exempt (PodSecurityConfiguration)
  --token-auth-file FILE   bearer tokens to believe: lines of token,user,uid,"group1,group2"
  --service-account-issuer URL   who tokens of service accounts are from
  --cluster-cidr RANGE     addresses for pods (default: a free /16 of 10.200.0.0 to 10.254.0.0)
  --node-monitor-grace-period DURATION   how long a node may be silent (default 50s); --node-startup-grace-period: a new one (60s)
  --node-monitor-period DURATION         how often that is looked at (default 5s)
  --cluster-signing-duration DURATION    how long certificates are good for that the cluster signs (default 8760h)
  --signals FILE           read memory and disk figures from FILE instead of the machine, to show evictions
  --eviction-hard LIST     hard thresholds, e.g. memory.available<100Mi,nodefs.available<10%
  --eviction-soft LIST     soft thresholds; each needs a grace period
  --eviction-soft-grace-period LIST      e.g. memory.available=30s
  --eviction-minimum-reclaim LIST        e.g. memory.available=50Mi
  --eviction-pressure-transition-period DURATION   (default 5m)
  --eviction-max-pod-grace-period SECONDS          the most that a pod gets to end after a soft threshold (default 0)
  --system-reserved LIST   what pods may not use, e.g. cpu=500m,memory=1Gi; --kube-reserved LIST is added to it
  --image-gc-high-threshold N, --image-gc-low-threshold N   percent of the disk at which unused images go, and down to which (85, 80)
  --image-gc-scope NAME    own: only images that this kubelet pulled; all: whatever is unused on the engine (default own)
  --minimum-image-ttl-duration DURATION  how old an image must be to go (default 2m); --maximum-image-ttl-duration: when it goes anyhow
  --container-log-max-size SIZE, --container-log-max-files N   (default 10Mi, 5)
  --max-pods N             pods on a node at most (default 110); --pods-per-core N: at most so many for each processor
  --pod-max-pids N         processes in a pod at most (default -1: any number)
  --reserved-cpus LIST     processors that pods may not count on, e.g. 0-1; their number replaces what is reserved of cpu
  --cpu-cfs-quota BOOL     whether cpu limits are enforced (default true); --cpu-cfs-quota-period DURATION (default 100ms)
  --cgroups-per-qos BOOL   whether pods have cgroups of their own (default true)
  --enforce-node-allocatable LIST        pods (default) or none: whether the kernel keeps all pods within allocatable
  --devices FILE           devices of this machine that pods can ask for (kubelet/devices/README.md)
  --device-plugins DIR     let device plugins register in this folder (elsewhere: /var/lib/kubelet/device-plugins)
  --static-pod-path DIR    run the pods in these files, whether the API can be reached or not
  --shutdown-grace-period DURATION       on SIGTERM pods end in an orderly way within this time; unless given they go on
  --shutdown-grace-period-critical-pods DURATION          of that, kept for critical pods, which end last
  --shutdown-grace-period-by-pod-priority LIST            instead of the two: 0=20s,1000=1m
  --allowed-unsafe-sysctls LIST          kernel parameters that pods may set besides the safe ones, e.g. kernel.msg*,net.core.somaxconn
  --seccomp-default BOOL   whether containers that name no seccomp profile get Docker's (default false: none)
  --sandbox-pool N         keep N sandboxes running for pods to come (default 0), for those whose spec.hostname is
  --sandbox-pool-hostname NAME           this one (default warm): what Docker has begun keeps its host name
  --keep-deleted DURATION  how long the last logs of deleted pods are kept (default 10m; 0: not at all)
`

export function wholeNumber(name: string, text: string, max: number): number {
  if (!/^\d+$/.test(text) || Number(text) > max)
    throw new UsageError(`--${name} must be a whole number from 0 to ${max}, not "${text}"`)
  return Number(text)
}

export function oneOf<Name extends string>(flag: string, text: string, names: readonly Name[]): Name {
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

const garbageFlagTable = Object.fromEntries(garbageFlagNames.map(name => [name, { type: 'string' }])) as {
  readonly [name in keyof GarbageFlags]-?: { readonly type: 'string' }
}

const resourceFlagTable = Object.fromEntries(resourceFlagNames.map(name => [name, { type: 'string' }])) as {
  readonly [name in keyof ResourceFlags]-?: { readonly type: 'string' }
}
const podFlagTable = Object.fromEntries(podFlagNames.map(name => [name, { type: 'string' }])) as {
  readonly [name in keyof PodFlags]-?: { readonly type: 'string' }
}

/** Flags of whoever runs a control plane. */
export const clusterFlagTable = {
  help: { type: 'boolean', short: 'h' },
  detach: { type: 'boolean' },
  'data-dir': { type: 'string' },
  port: { type: 'string' },
  kubeconfig: { type: 'string' },
  store: { type: 'string' },
  'log-level': { type: 'string' },
  'audit-log-path': { type: 'string' },
  'audit-policy-file': { type: 'string' },
  'token-auth-file': { type: 'string' },
  'service-account-issuer': { type: 'string' },
  'cluster-cidr': { type: 'string' },
  'cluster-signing-duration': { type: 'string' },
  'node-monitor-period': { type: 'string' },
  'node-monitor-grace-period': { type: 'string' },
  'node-startup-grace-period': { type: 'string' },
} as const

/** Flags of whoever runs kubelets on Docker. */
export const kubeletFlagTable = {
  signals: { type: 'string' },
  'eviction-hard': { type: 'string' },
  'eviction-soft': { type: 'string' },
  'eviction-soft-grace-period': { type: 'string' },
  'eviction-minimum-reclaim': { type: 'string' },
  'eviction-pressure-transition-period': { type: 'string' },
  'eviction-max-pod-grace-period': { type: 'string' },
  ...garbageFlagTable,
  ...podFlagTable,
  ...resourceFlagTable,
} as const

type Values<Table extends Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>> = {
  readonly [flag in keyof Table]?: (Table[flag]['type'] extends 'boolean' ? boolean : string) | undefined
}

/** What the flags of `wherry up` say. Throws a UsageError that names the flag. */
export function parseUp(args: string[]): UpOptions | 'help' {
  const values = parseFlags(args, {
    ...clusterFlagTable,
    ...kubeletFlagTable,
    nodes: { type: 'string' },
    'simulated-nodes': { type: 'string' },
    'simulated-stages': { type: 'string' },
    runtime: { type: 'string' },
  })
  if (values.help) return 'help'
  return {
    ...clusterOptions(values),
    ...kubeletOptions(values),
    nodes: wholeNumber('nodes', values.nodes ?? '1', 100),
    simulatedNodes: wholeNumber('simulated-nodes', values['simulated-nodes'] ?? '0', 10_000),
    ...(values['simulated-stages'] !== undefined && { simulatedStages: values['simulated-stages'] }),
    runtime: oneOf('runtime', values.runtime ?? 'docker', ['docker', 'simulated']),
  }
}

/** What the flags say about a control plane. Throws a UsageError. */
export function clusterOptions(values: Values<typeof clusterFlagTable>) {
  const dir = dataDir(values['data-dir'])
  const clusterCidr = values['cluster-cidr']
  if (clusterCidr !== undefined && !/^(\d{1,3}\.){3}\d{1,3}\/(8|9|1\d|2[0-4])$/.test(clusterCidr))
    throw new UsageError(`--cluster-cidr must be an IPv4 range of at most 24 bits such as 10.200.0.0/16, not "${clusterCidr}"`)
  const signingDuration = values['cluster-signing-duration']
  return {
    detach: values.detach ?? false,
    dataDir: dir.path,
    port: wholeNumber('port', values.port ?? '6443', 65_535),
    kubeconfig: values.kubeconfig ?? dir.kubeconfig,
    store: oneOf('store', values.store ?? 'level', ['level', 'memory']),
    logLevel: oneOf('log-level', values['log-level'] ?? 'warn', logLevels),
    ...identityOptions(values),
    ...nodeMonitorOptions(values),
    ...(clusterCidr !== undefined && { clusterCidr }),
    ...(signingDuration !== undefined && { signingDurationInMs: parseDuration('cluster-signing-duration', signingDuration) }),
  }
}

function nodeMonitorOptions(values: Values<typeof clusterFlagTable>): Pick<UpOptions, 'nodeMonitor'> {
  const flags = {
    graceInMs: 'node-monitor-grace-period',
    startupGraceInMs: 'node-startup-grace-period',
    everyMs: 'node-monitor-period',
  } as const
  const given = Object.entries(flags).flatMap(([name, flag]) => {
    const text = values[flag]
    return text === undefined ? [] : [[name, parseDuration(flag, text)] as const]
  })
  return given.length === 0 ? {} : { nodeMonitor: Object.fromEntries(given) }
}

/** What the flags say about kubelets on Docker. Throws a UsageError. */
export function kubeletOptions(values: Values<typeof kubeletFlagTable>): KubeletOptions {
  return {
    ...garbageOptions(values),
    ...(podFlagNames.some(name => values[name] !== undefined) && {
      pods: Object.fromEntries(podFlagNames.map(name => [name, values[name]])),
    }),
    ...(resourceFlagNames.some(name => values[name] !== undefined) && {
      resources: Object.fromEntries(resourceFlagNames.map(name => [name, values[name]])),
    }),
    ...(values.signals !== undefined && { signals: values.signals }),
    ...(values['eviction-hard'] !== undefined && { evictionHard: values['eviction-hard'] }),
    ...(values['eviction-soft'] !== undefined && { evictionSoft: values['eviction-soft'] }),
    ...(values['eviction-soft-grace-period'] !== undefined && { evictionSoftGracePeriod: values['eviction-soft-grace-period'] }),
    ...(values['eviction-minimum-reclaim'] !== undefined && { evictionMinimumReclaim: values['eviction-minimum-reclaim'] }),
    ...(values['eviction-max-pod-grace-period'] !== undefined && {
      evictionMaxPodGraceSeconds: wholeNumber('eviction-max-pod-grace-period', values['eviction-max-pod-grace-period'], 86_400),
    }),
    ...(values['eviction-pressure-transition-period'] !== undefined && {
      evictionTransitionPeriodInMs: parseDuration(
        'eviction-pressure-transition-period',
        values['eviction-pressure-transition-period'],
      ),
    }),
  }
}

function garbageOptions(values: GarbageFlags): { garbage?: GarbageFlags } {
  const given = garbageFlagNames.flatMap(name => (values[name] === undefined ? [] : [[name, values[name]] as const]))
  return given.length === 0 ? {} : { garbage: Object.fromEntries(given) }
}

type IdentityFlags =
  | 'audit-log-path'
  | 'audit-policy-file'
  | 'admission-control-config-file'
  | 'token-auth-file'
  | 'service-account-issuer'

function identityOptions(values: { readonly [Flag in IdentityFlags]?: string | undefined }) {
  const auditLog = values['audit-log-path']
  const auditPolicy = values['audit-policy-file']
  const admissionConfig = values['admission-control-config-file']
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
    ...(admissionConfig !== undefined && { admissionConfig }),
    ...(tokenFile !== undefined && { tokenFile }),
    ...(issuer !== undefined && { issuer }),
  }
}
