import type { ClusterNames } from './cluster-names.ts'
import { CommandError, type HostCommands } from './host-commands.ts'
import type { PacketState } from './packet-rules.ts'
import type { Way } from './route-plan.ts'

/** Marks our routes (rtm_protocol): no other program of this machine is known by this number. */
export const routeProtocol = '87'

/** The rules that decide about pods' packets, as they stand. */
export async function packetState(commands: HostCommands, names: ClusterNames): Promise<PacketState> {
  const chain = (table: string, name: string) =>
    commands.run('iptables', ['-w', '5', '-t', table, '-S', name]).then(
      text => text.split('\n').filter(Boolean),
      (error: unknown) => {
        // The nft variant says of a chain that is not there that it is incompatible.
        const isMissing = /No chain|does not exist|doesn't exist|is incompatible/i
        if (error instanceof CommandError && isMissing.test(error.message)) return undefined
        throw error
      },
    )
  const dockerUser = await chain('filter', 'DOCKER-USER')
  return {
    dockerUser,
    forwardHook: dockerUser ? [] : ((await chain('filter', 'FORWARD')) ?? []),
    postrouting: (await chain('nat', 'POSTROUTING')) ?? [],
    forward: await chain('filter', names.forwardChain),
    nat: await chain('nat', names.natChain),
  }
}

interface RouteRow {
  readonly type?: string
  readonly dst?: string
  readonly gateway?: string
  readonly dev?: string
}

/** How a packet to an address leaves; undefined: it cannot. */
export async function wayTo(commands: HostCommands, address: string): Promise<Way | undefined> {
  const text = await commands.run('ip', ['-j', '-4', 'route', 'get', address]).catch(() => '')
  const [row] = rows<RouteRow>(text)
  if (!row?.dev || row.type === 'unreachable' || row.type === 'blackhole') return undefined
  return { device: row.dev, isDirect: row.gateway === undefined, isLocal: row.type === 'local' || row.dev === 'lo' }
}

/** Our routes as they stand: destination to `via device`. */
export async function ownRoutes(commands: HostCommands): Promise<Map<string, string>> {
  const found = rows<RouteRow>(await commands.run('ip', ['-j', '-4', 'route', 'show', 'proto', routeProtocol]))
  return new Map(found.map(({ dst = '', gateway = '', dev = '' }) => [dst, `${gateway} ${dev}`]))
}

export interface LinkRow {
  readonly mtu?: number
  readonly address?: string
  readonly flags?: readonly string[]
  readonly linkinfo?: { readonly info_data?: { readonly id?: number; readonly local?: string; readonly port?: number } }
}

/** An interface; undefined: there is none of that name. */
export async function linkOf(commands: HostCommands, name: string): Promise<LinkRow | undefined> {
  const text = await commands.run('ip', ['-j', '-d', 'link', 'show', 'dev', name]).catch(() => '')
  return rows<LinkRow>(text)[0]
}

export function rows<Row>(json: string): Row[] {
  return json.trim() ? (JSON.parse(json) as Row[]) : []
}
