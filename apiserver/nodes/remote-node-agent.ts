import type { ContainerLogOptions, ContainerTarget, ExecOptions, NodeAgent, NodeDoor, PodUsage } from '../../api/node-agent.ts'
import type { Clock } from '../../lib/clock.ts'
import { execClientProtocol, execOverSpdy } from '../../streaming/exec-client.ts'
import { portForwardProtocol } from '../../streaming/port-forward.ts'
import { portOverSpdy } from '../../streaming/port-forward-client.ts'
import { hostPort, type KubeletAddress } from './address.ts'
import { plainError } from './failures.ts'
import type { KubeletClient } from './kubelet-client.ts'

interface Options {
  readonly client: () => Promise<KubeletClient>
  /** Where the kubelet listens now. Rejects when nobody knows. */
  readonly locate: () => Promise<KubeletAddress>
  readonly clock: Clock
}

/** Who asks for figures has others to ask as well. */
const statsTimeoutInMs = 10_000

/** A kubelet somewhere else, as the API server sees it: by HTTPS, with the paths and texts of upstream. */
export function remoteNodeAgent({ client, locate, clock }: Options): NodeAgent {
  const address = () =>
    locate().catch((error: unknown) => {
      throw plainError(error instanceof Error ? error.message : String(error), error)
    })
  const command = async (what: 'exec' | 'attach', target: ContainerTarget, options: ExecOptions) => {
    const path = `/${what}${pathOf(target)}/${encodeURIComponent(target.container)}${streamQuery(options)}`
    const transport = await (await client()).upgrade(await address(), path, execClientProtocol)
    return execOverSpdy({ transport, wanted: options, clock })
  }
  return {
    async *logs(target, options, signal) {
      const container = options.container ?? target.container
      const path = `/containerLogs${pathOf(target)}/${encodeURIComponent(container)}${logQuery(options)}`
      try {
        const answer = await (await client()).get(await address(), path, signal)
        if (options.follow) yield new Uint8Array()
        yield* answer
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },
    exec: (target, options) => command('exec', target, options),
    attach: (target, options) => command('attach', target, { ...options, command: [] }),
    async connect(target, port) {
      const transport = await (await client()).upgrade(await address(), `/portForward${pathOf(target)}`, portForwardProtocol)
      return portOverSpdy({ transport, port, clock })
    },
    async stats() {
      const patience = new AbortController()
      const cancel = clock.after(statsTimeoutInMs, () => patience.abort(new Error('the kubelet did not answer in time')))
      try {
        const { status, body } = await (await client()).fetch(await address(), '/stats/summary', patience.signal)
        if (status !== 200) throw new Error(`the kubelet answered ${status}`)
        return usageIn(JSON.parse(body) as Summary)
      } finally {
        cancel()
      }
    },
    serve: async (path, query) => {
      const text = query.toString()
      return (await client()).fetch(await address(), text ? `${path}?${text}` : path)
    },
    async door(): Promise<NodeDoor> {
      const at = await address()
      return { host: hostPort(at), connect: async () => (await client()).connect(at) }
    },
  }
}

const pathOf = ({ namespace, name }: Pick<ContainerTarget, 'namespace' | 'name'>) =>
  `/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`

/** The parameters of a kubelet have other names than those of the API server (pkg/apis/core/types.go, Exec...Param). */
function streamQuery({ command, stdin, stdout, stderr, tty }: ExecOptions): string {
  const query = new URLSearchParams()
  if (stdin) query.append('input', '1')
  if (stdout) query.append('output', '1')
  if (stderr) query.append('error', '1')
  if (tty) query.append('tty', '1')
  for (const word of command) query.append('command', word)
  return `?${query}`
}

/** The container's name stands in the path. */
function logQuery(options: ContainerLogOptions): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && name !== 'container') query.append(name, String(value))
  const text = query.toString()
  return text && `?${text}`
}

/** What is read of stats.k8s.io/v1alpha1 Summary. */
interface Summary {
  readonly pods?: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string }
    readonly containers?: readonly {
      readonly name: string
      readonly cpu?: { readonly usageNanoCores?: number }
      readonly memory?: { readonly workingSetBytes?: number }
    }[]
  }[]
}

function usageIn({ pods = [] }: Summary): PodUsage[] {
  return pods.map(({ podRef: { name, namespace }, containers = [] }) => ({
    name,
    namespace,
    containers: containers.map(one => ({
      name: one.name,
      cpuNanoCores: one.cpu?.usageNanoCores ?? 0,
      memoryWorkingSetInBytes: one.memory?.workingSetBytes ?? 0,
    })),
  }))
}
