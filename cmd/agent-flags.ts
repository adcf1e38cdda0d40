import { hostname } from 'node:os'
import { join } from 'node:path'
import type { KubeletConfig } from '../kubelet/config.ts'
import type { NetworkMode } from '../kubelet/network/route-plan.ts'
import { type LogLevel, logLevels } from '../lib/log.ts'
import { dataDir, homeDir } from './data-dir.ts'
import { address, oneOf, parseFlags, UsageError, wholeNumber } from './flags.ts'
import { type KubeletFlags, kubeletFlags, kubeletFlagTable } from './kubelet-flags.ts'

const networkModes: readonly NetworkMode[] = ['auto', 'routes', 'vxlan', 'none']

export interface AgentOptions extends KubeletFlags {
  /** `https://10.0.0.1:6443`; absent: the one it joined before. */
  readonly server?: string
  readonly token?: string
  /** `sha256:<hex>` of keys of authorities. */
  readonly pins: readonly string[]
  readonly caFile?: string
  readonly nodeName: string
  readonly dataDir: string
  /** Absent: the address from which it reaches the server. */
  readonly nodeIps?: readonly string[]
  /** Absent: DOCKER_HOST, or the usual socket. */
  readonly dockerHost?: string
  /** Where the kubelet listens. */
  readonly address: string
  readonly port: number
  readonly networkMode: NetworkMode
  readonly nodeLabels: Readonly<Record<string, string>>
  readonly taints: KubeletConfig['registerWithTaints']
  readonly logLevel: LogLevel
}

export const agentHelp = `Usage: wherry agent --server URL --token TOKEN [flags]

Makes this machine a node of a cluster and runs its pods until Ctrl-C. Pods keep running; the next \`agent\` adopts them, and needs neither
server nor token any more.

  --server URL             where the API server is
  --token TOKEN            what to join with; \`wherry token create\` on the server makes one
  --ca-cert-hash HASH      sha256:<hex> of the cluster's authority; may be repeated
  --ca-file FILE           the cluster's authority itself, instead of asking the server for it
  --node-name NAME         default the host's name
  --node-ip LIST           addresses of the node (default the one from which it reaches the server)
  --data-dir DIR           where everything is kept (default ~/.wherry/agent)
  --docker-host URL        the Docker engine, unix:///path or tcp://host:port (default DOCKER_HOST, or the usual socket)
  --address IP, --port N   where the kubelet listens (default 0.0.0.0, 10250; 0 picks a port)
  --network-mode NAME      how pods of other machines are reached: routes, vxlan, none, or auto: by route if they are on one link (default)
  --node-labels LIST       labels to register with: a=b,c=d
  --register-with-taints LIST   taints to register with: key=value:NoSchedule
  --log-level NAME         ${logLevels.join(', ')} (default warn)

and of \`wherry up\` all flags about kubelets: evictions, garbage, resources, static pods, shutdown.
`

/** What the flags of `wherry agent` say. Throws a UsageError that names the flag. */
export function parseAgent(args: string[]): AgentOptions | 'help' {
  const values = parseFlags(args, {
    ...kubeletFlagTable,
    help: { type: 'boolean', short: 'h' },
    server: { type: 'string' },
    token: { type: 'string' },
    'ca-cert-hash': { type: 'string', multiple: true },
    'ca-file': { type: 'string' },
    'node-name': { type: 'string' },
    'node-ip': { type: 'string' },
    'data-dir': { type: 'string' },
    'docker-host': { type: 'string' },
    address: { type: 'string' },
    port: { type: 'string' },
    'network-mode': { type: 'string' },
    'node-labels': { type: 'string' },
    'register-with-taints': { type: 'string' },
    'log-level': { type: 'string' },
  })
  if (values.help) return 'help'
  const server = values.server === undefined ? undefined : serverUrl(values.server)
  const pins = (values['ca-cert-hash'] ?? []).flatMap(list => list.split(',')).filter(Boolean)
  const caFile = values['ca-file']
  if (caFile !== undefined && pins.length > 0) throw new UsageError('--ca-file and --ca-cert-hash exclude each other')
  const dockerHost = values['docker-host']
  if (dockerHost !== undefined && !/^(unix:\/\/\/|tcp:\/\/)/.test(dockerHost))
    throw new UsageError(`--docker-host must be unix:///path or tcp://host:port, not "${dockerHost}"`)
  const nodeName = (values['node-name'] ?? hostname()).toLowerCase()
  if (!/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/.test(nodeName))
    throw new UsageError(`--node-name must be a DNS name in lower case, not "${nodeName}"`)
  const nodeIps = values['node-ip']?.split(',').map(ip => address('node-ip', ip.trim()))
  return {
    ...kubeletFlags(values),
    ...(server !== undefined && { server }),
    ...(values.token !== undefined && { token: values.token }),
    pins,
    ...(caFile !== undefined && { caFile }),
    nodeName,
    dataDir: dataDir(values['data-dir'] ?? join(homeDir(), 'agent')).path,
    ...(nodeIps && { nodeIps }),
    ...(dockerHost !== undefined && { dockerHost }),
    address: address('address', values.address ?? '0.0.0.0'),
    port: wholeNumber('port', values.port ?? '10250', { most: 65_535 }),
    networkMode: oneOf('network-mode', values['network-mode'] ?? 'auto', networkModes),
    nodeLabels: labels(values['node-labels'] ?? ''),
    taints: (values['register-with-taints'] ?? '').split(',').filter(Boolean).map(taint),
    logLevel: oneOf('log-level', values['log-level'] ?? 'warn', logLevels),
  }
}

function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' || url.pathname !== '/' || url.search || url.hash)
    throw new UsageError(`--server must be like https://10.0.0.1:6443, not "${text}"`)
  return url.origin
}

function labels(list: string): Record<string, string> {
  const pairs = list.split(',').filter(Boolean)
  return Object.fromEntries(
    pairs.map(pair => {
      const [, key, value] = /^([^=]+)=(.*)$/.exec(pair) ?? []
      if (key === undefined || value === undefined) throw new UsageError(`--node-labels: "${pair}" is not KEY=VALUE`)
      return [key, value]
    }),
  )
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const

function taint(text: string): AgentOptions['taints'][number] {
  const [, key, value = '', wanted] = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text) ?? []
  const effect = effects.find(each => each === wanted)
  if (key === undefined || effect === undefined)
    throw new UsageError(`--register-with-taints: "${text}" is not KEY=VALUE:EFFECT with an effect of ${effects.join(', ')}`)
  return { key, ...(value && { value }), effect }
}
