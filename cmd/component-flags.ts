import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ElectionTimes } from '../client/leader-election.ts'
import { type LogLevel, logLevels } from '../lib/log.ts'
import { autoscalingFlagTable, autoscalingHelp, autoscalingOptions } from './autoscaling-flags.ts'
import type { ControlPlaneOptions } from './control-plane.ts'
import { controllerList } from './control-plane-flags.ts'
import { knownNames } from './controller-names.ts'
import { chosenDataDir, type DataDir, dataDir, knownIdentity } from './data-dir.ts'
import { electionFlagTable, electionHelp, electionTimes } from './election-flags.ts'
import { oneOf, parseDuration, parseFlags, textFlags, UsageError, type Values } from './flags.ts'
import { type NodeMonitor, nodeMonitorFlagTable, nodeMonitorOptions } from './node-monitor-flags.ts'
import { allControllers } from './own-controllers.ts'

/** What every component in a process of its own is told. */
export interface ComponentFlags {
  readonly kubeconfig: string
  readonly election: ElectionTimes | 'none'
  readonly logLevel: LogLevel
}

export interface ControllerManagerFlags extends ComponentFlags, NodeMonitor {
  /** Where the cluster's authority, its ranges and its volumes are, if that is on this machine. */
  readonly dataDir?: DataDir
  readonly controllers: readonly string[]
  readonly signingDurationInMs?: number
  readonly autoscaling: ControlPlaneOptions['autoscaling']
}

export interface SchedulerFlags extends ComponentFlags {
  /** A KubeSchedulerConfiguration. */
  readonly config?: string
}

const commonTable = {
  help: { type: 'boolean', short: 'h' },
  ...textFlags(['kubeconfig', 'data-dir', 'log-level']),
  ...electionFlagTable,
} as const

const commonHelp = `  --log-level NAME         ${logLevels.join(', ')} (default warn)
${electionHelp}`

export const controllerManagerHelp = () => `Usage: wherry controller-manager [flags]

Runs controllers in a process of their own, against the API server that a kubeconfig names. Several may run; one works.

  --kubeconfig FILE        default controller-manager.kubeconfig in the data dir
  --data-dir DIR           the cluster's, if it is on this machine: its authority signs, its range of addresses goes to nodes, and its
                           volumes are made there (default the kubeconfig's folder if it is one, else that of the cluster that runs)
  --controllers LIST       * all of them, NAME this one, -NAME not this one (default *)
  --cluster-signing-duration DURATION, --node-monitor-period DURATION, --node-monitor-grace-period DURATION,
  --node-startup-grace-period DURATION     as of \`wherry up\`
${autoscalingHelp}${commonHelp}
Controllers: ${knownNames(allControllers()).join(', ')}
`

export const schedulerHelp = `Usage: wherry scheduler [flags]

Runs a scheduler in a process of its own, against the API server that a kubeconfig names. Several may run; one works.

  --kubeconfig FILE        default scheduler.kubeconfig in the data dir of the cluster that runs
  --data-dir DIR           another data dir
  --config FILE            how pods are placed: profiles, plugins, weights (kubescheduler.config.k8s.io/v1 KubeSchedulerConfiguration)
${commonHelp}`

/** What the flags of `wherry controller-manager` say. Throws a UsageError. */
export function parseControllerManager(args: string[]): ControllerManagerFlags | 'help' {
  const values = parseFlags(args, {
    ...commonTable,
    ...nodeMonitorFlagTable,
    ...autoscalingFlagTable,
    controllers: { type: 'string' },
    'cluster-signing-duration': { type: 'string' },
  })
  if (values.help) return 'help'
  const dir = ownDataDir(values)
  const { kubeconfig = dir?.controllerManagerKubeconfig, controllers = '*', 'cluster-signing-duration': signing } = values
  return {
    ...common(values, kubeconfig),
    ...nodeMonitorOptions(values),
    autoscaling: autoscalingOptions(values),
    ...(dir && { dataDir: dir }),
    controllers: controllerList(controllers),
    ...(signing !== undefined && { signingDurationInMs: parseDuration('cluster-signing-duration', signing) }),
  }
}

/** What the flags of `wherry scheduler` say. Throws a UsageError. */
export function parseScheduler(args: string[]): SchedulerFlags | 'help' {
  const { config, ...values } = parseFlags(args, { ...commonTable, config: { type: 'string' } })
  if (values.help) return 'help'
  return {
    ...common(values, values.kubeconfig ?? ownDataDir(values)?.schedulerKubeconfig),
    ...(config !== undefined && { config }),
  }
}

function common(values: Values<typeof commonTable>, kubeconfig: string | undefined): ComponentFlags {
  if (kubeconfig === undefined || !existsSync(kubeconfig))
    throw new UsageError(kubeconfig === undefined ? '--kubeconfig is needed: no cluster runs here' : `there is no ${kubeconfig}`)
  return {
    kubeconfig,
    election: electionTimes(values),
    logLevel: oneOf('log-level', values['log-level'] ?? 'warn', logLevels),
  }
}

/** The data dir that is named, or that the kubeconfig lies in, or else that of the cluster that runs; if a cluster has ever been there. */
function ownDataDir({ 'data-dir': named, kubeconfig }: Values<typeof commonTable>): DataDir | undefined {
  const dir = named === undefined && kubeconfig !== undefined ? dataDir(dirname(kubeconfig)) : chosenDataDir(named)
  const isCluster = knownIdentity(dir) !== undefined && !knownIdentity(dir)?.node
  if (named !== undefined && !isCluster) throw new UsageError(`--data-dir: there is no cluster in ${dir.path}`)
  return isCluster ? dir : undefined
}
