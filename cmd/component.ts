import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { httpTransport } from '../client/http-transport.ts'
import { parseKubeconfig, selectConnection } from '../client/kubeconfig.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { type Run, runAll } from '../lib/run.ts'
import {
  type ComponentFlags,
  type ControllerManagerFlags,
  controllerManagerHelp,
  parseControllerManager,
  parseScheduler,
  schedulerHelp,
} from './component-flags.ts'
import { type ComponentOptions, controllerManager, schedulerComponent } from './control-plane.ts'
import { enabledControllers } from './controller-names.ts'
import { type DataDir, knownIdentity } from './data-dir.ts'
import { UsageError } from './flags.ts'
import { ownControllers } from './own-controllers.ts'
import { pemFolder } from './pki.ts'
import { readSchedulerConfig } from './scheduler-config.ts'
import { stopOnSignals } from './signals.ts'
import { version } from './version.ts'

/** `wherry controller-manager`: runs controllers against an API server elsewhere until it is told to stop. Answers the exit code. */
export async function runControllerManager(args: string[]): Promise<number> {
  const flags = parseControllerManager(args)
  if (flags === 'help') {
    process.stdout.write(controllerManagerHelp())
    return 0
  }
  return runComponent('controller-manager', flags, async (component, ca) => {
    const settings = await settingsOf(flags)
    const controllers = enabledControllers(ownControllers({ ca, ...settings }), flags.controllers)
    return controllerManager({ ...component, controllers })
  })
}

/** `wherry scheduler`: places pods by an API server elsewhere until it is told to stop. Answers the exit code. */
export async function runScheduler(args: string[]): Promise<number> {
  const flags = parseScheduler(args)
  if (flags === 'help') {
    process.stdout.write(schedulerHelp)
    return 0
  }
  const { config } = flags
  const schedulerConfiguration = config === undefined ? undefined : await readSchedulerConfig('config', config)
  return runComponent('scheduler', flags, async component => schedulerComponent({ ...component, schedulerConfiguration }))
}

/** What only the machine has that the cluster's data dir is on. */
async function settingsOf({ dataDir, signingDurationInMs, nodeMonitor, autoscaling }: ControllerManagerFlags) {
  const told = { signingDurationInMs, nodeLifecycle: nodeMonitor, autoscaling }
  return dataDir ? { ...told, ...(await belongings(dataDir)) } : told
}

async function belongings(dir: DataDir) {
  const caKey = await pemFolder(dir.pki).read('ca.key')
  return { caKey, podCIDR: knownIdentity(dir)?.podCIDR, volumesDir: dir.volumes }
}

/** Whoever was cut off is back as soon as the server is. */
const longestRetryInMs = 3000

async function runComponent(
  name: string,
  { kubeconfig, election, logLevel }: ComponentFlags,
  make: (component: ComponentOptions, ca: string) => Promise<Run>,
): Promise<number> {
  const log = createLog(logLevel)
  const { stop } = stopOnSignals()
  const connection = await connectionOf(kubeconfig)
  const transport = httpTransport({ ...connection, userAgent: `wherry-${name}` })
  const identity = `${hostname()}_${systemRandom.uuid()}`
  const component = { transport: () => transport, clock: systemClock, random: systemRandom, log, identity, election }
  try {
    const run = await make({ ...component, longestRetryInMs }, connection.ca ?? '')
    process.stdout.write(`wherry ${name} ${version}

  server      ${connection.server}
  identity    ${identity}
  log level   ${logLevel}

Started in ${Math.round(systemClock.monotonic())} ms.
`)
    await runAll([[name, run]], stop.signal)
    return 0
  } finally {
    transport.close()
  }
}

async function connectionOf(kubeconfig: string) {
  try {
    return (await selectConnection(await parseKubeconfig(await readFile(kubeconfig, 'utf8')), dirname(kubeconfig))).transport
  } catch (error) {
    throw new UsageError(`--kubeconfig ${kubeconfig}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
