import { type LogLevel, logLevels } from '../lib/log.ts'
import type { ControlPlaneOptions } from './control-plane.ts'
import { controlPlaneFlagTable, controlPlaneHelp, controlPlaneOptions } from './control-plane-flags.ts'
import { dataDir } from './data-dir.ts'
import { oneOf, parseDuration, parseFlags, UsageError, type Values, wholeNumber } from './flags.ts'
import { type KubeletFlags, kubeletFlags, kubeletFlagTable, kubeletHelp } from './kubelet-flags.ts'
import { type NodeMonitor, nodeMonitorFlagTable, nodeMonitorOptions } from './node-monitor-flags.ts'

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

export interface UpOptions extends KubeletFlags, NodeMonitor {
  readonly controlPlane: ControlPlaneOptions
  /** A file that says how pods are placed. */
  readonly schedulerConfig?: string
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
  readonly signingDurationInMs?: number
}

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
  --scheduler-config FILE  how pods are placed: profiles, plugins, weights (kubescheduler.config.k8s.io/v1 KubeSchedulerConfiguration)
${controlPlaneHelp}${kubeletHelp}`

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
  'admission-control-config-file': { type: 'string' },
  'token-auth-file': { type: 'string' },
  'service-account-issuer': { type: 'string' },
  'cluster-cidr': { type: 'string' },
  'cluster-signing-duration': { type: 'string' },
  ...nodeMonitorFlagTable,
  'scheduler-config': { type: 'string' },
  ...controlPlaneFlagTable,
} as const

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
    ...kubeletFlags(values),
    nodes: wholeNumber('nodes', values.nodes ?? '1', { most: 100 }),
    simulatedNodes: wholeNumber('simulated-nodes', values['simulated-nodes'] ?? '0', { most: 10_000 }),
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
    port: wholeNumber('port', values.port ?? '6443', { most: 65_535 }),
    kubeconfig: values.kubeconfig ?? dir.kubeconfig,
    store: oneOf('store', values.store ?? 'level', ['level', 'memory']),
    logLevel: oneOf('log-level', values['log-level'] ?? 'warn', logLevels),
    ...identityOptions(values),
    ...nodeMonitorOptions(values),
    controlPlane: controlPlaneOptions(values),
    ...(values['scheduler-config'] !== undefined && { schedulerConfig: values['scheduler-config'] }),
    ...(clusterCidr !== undefined && { clusterCidr }),
    ...(signingDuration !== undefined && { signingDurationInMs: parseDuration('cluster-signing-duration', signingDuration) }),
  }
}

function identityOptions(values: Values<typeof clusterFlagTable>) {
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
