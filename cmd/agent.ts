import { mkdirSync } from 'node:fs'
import { isIP } from 'node:net'
import { httpTransport } from '../client/http-transport.ts'
import { createClient } from '../client/typed-client.ts'
import { askForCertificate } from '../kubelet/certificates/ask.ts'
import { rotatedCertificate } from '../kubelet/certificates/rotation.ts'
import { systemClock, timestamp } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { type Run, runAll } from '../lib/run.ts'
import type { KeyPair } from '../lib/x509/certificate.ts'
import { type AgentOptions, agentHelp, parseAgent } from './agent-flags.ts'
import { type DataDir, dataDir, markRunning, markStopped, processStart, runningCluster } from './data-dir.ts'
import { engineFromEnv } from './engine-address.ts'
import { UsageError } from './flags.ts'
import { kubeletSettings } from './kubelet-settings.ts'
import { type Membership, membership } from './membership.ts'
import { type Nodes, nodes } from './nodes.ts'
import { sourceAddress } from './own-address.ts'
import { stopOnSignals } from './signals.ts'
import { version } from './version.ts'

/** `wherry agent`: runs a node of a cluster elsewhere until it is told to stop. Calls `onReady` when it is. Answers the exit code. */
export async function agent(args: string[], onReady: () => Promise<void>): Promise<number> {
  const options = parseAgent(args)
  if (options === 'help') {
    process.stdout.write(agentHelp)
    return 0
  }
  const dir = dataDir(options.dataDir)
  const other = runningCluster(dir)
  if (other) throw new UsageError(`the data dir ${dir.path} is in use by process ${other.pid}; choose another with --data-dir`)
  mkdirSync(dir.path, { recursive: true, mode: 0o700 })
  const { stop, endFirst } = stopOnSignals()
  const log = createLog(options.logLevel)
  const belonging = await membership(options, dir, { clock: systemClock, log, signal: stop.signal })
  try {
    const { run, kubelets, nodeIps } = await node(options, dir, belonging, log)
    endFirst(kubelets.shutDown)
    const announced = announce({ options, dir, belonging, kubelets, nodeIps, onReady, signal: stop.signal })
    try {
      await runAll([['agent', run]], stop.signal)
    } finally {
      stop.abort()
      await announced
    }
    return 0
  } finally {
    markStopped(dir)
  }
}

/** Whoever was cut off is back as soon as the network is: no try waits long, and none is made seldom. */
const patience = { connectTimeoutInMs: 3000, silenceInMs: 10_000 }
const longestRetryInMs = 3000

async function node(
  options: AgentOptions,
  dir: DataDir,
  { server, ca, cluster, client, serving }: Membership,
  log: ReturnType<typeof createLog>,
) {
  const { nodeName } = options
  const clock = systemClock
  const random = systemRandom
  const nodeIps = options.nodeIps ?? [await sourceAddress(new URL(server).hostname)]
  const identity = rotatedCertificate({
    name: 'client',
    store: client.store,
    known: client.pair,
    ask: signal => askForCertificate(api, { nodeName, purpose: 'client' }, { clock, signal }),
    clock,
    random,
    log,
  })
  const transport = httpTransport({
    server,
    ca,
    clientCertificate: lastPair(() => identity.current() ?? client.pair),
    userAgent: 'wherry-agent',
    ...patience,
  })
  const api = createClient(transport, { defaultCause: { actor: 'kubelet' } })
  const hosts = [nodeName, ...nodeIps]
  const shown = rotatedCertificate({
    name: 'serving',
    store: serving.store,
    known: serving.pair,
    ask: signal => askForCertificate(api, { nodeName, purpose: 'serving', hosts }, { clock, signal }),
    isGood: certificate =>
      hosts.every(host => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined),
    clock,
    random,
    log,
  })
  const dockerHost = options.dockerHost ?? process.env.DOCKER_HOST
  const kubelets = nodes({
    transport: () => transport,
    identity: `agent_${nodeName}`,
    cluster,
    docker: [nodeName],
    simulated: [],
    rootDir: dir.nodes,
    ...kubeletSettings(options),
    engine: engineFromEnv(dockerHost),
    clientCa: ca,
    kubeletAddress: options.address,
    kubeletPort: options.port,
    addresses: nodeIps,
    servingCertificate: shown.current,
    kubelet: { nodeLabels: options.nodeLabels, registerWithTaints: options.taints },
    longestRetryInMs,
    networkMode: options.networkMode,
    clock,
    random,
    log,
  })
  const parts: readonly (readonly [string, Run])[] = [
    ['client certificate', identity.run],
    ['serving certificate', shown.run],
    ['node', kubelets.run],
  ]
  const run: Run = signal => runAll(parts, signal).finally(transport.close)
  return { run, kubelets, nodeIps }
}

/** The same answer for the same certificate. */
function lastPair(current: () => KeyPair): () => { cert: string; key: string } {
  let pair = current()
  let answer = { cert: pair.certificate, key: pair.key }
  return () => {
    const next = current()
    if (next !== pair) {
      pair = next
      answer = { cert: next.certificate, key: next.key }
    }
    return answer
  }
}

interface Announcement {
  readonly options: AgentOptions
  readonly dir: DataDir
  readonly belonging: Membership
  readonly kubelets: Nodes
  readonly nodeIps: readonly string[]
  readonly onReady: () => Promise<void>
  readonly signal: AbortSignal
}

/** Writes down that it runs, and tells once the node is Ready and its kubelet listens. */
async function announce({ options, dir, belonging, kubelets, nodeIps, onReady, signal }: Announcement): Promise<void> {
  const clock = systemClock
  const state = {
    pid: process.pid,
    started: processStart(process.pid),
    version,
    port: options.port,
    dataDir: dir.path,
    kubeconfig: '',
    nodes: 1,
    simulatedNodes: 0,
    runtime: 'docker',
    store: `that of ${belonging.server}`,
  }
  markRunning(dir, state, { isCluster: false })
  let at = kubelets.address(options.nodeName)
  while (!at && !signal.aborted) {
    await clock.sleep(50, signal)
    at = kubelets.address(options.nodeName)
  }
  if (!at || signal.aborted) return
  markRunning(dir, { ...state, port: at.port, readySince: timestamp(clock.now()) }, { isCluster: false })
  process.stdout.write(`wherry agent ${version}

  node        ${options.nodeName} (${nodeIps.join(', ')})
  server      ${belonging.server}
  kubelet     ${at.host}:${at.port}
  data        ${dir.path}
  log level   ${options.logLevel}

Ready in ${Math.round(clock.monotonic())} ms.
`)
  await onReady()
}
