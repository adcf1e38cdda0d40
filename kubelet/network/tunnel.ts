import type { ClusterNames } from './cluster-names.ts'
import type { HostCommands } from './host-commands.ts'
import { linkOf, rows } from './host-state.ts'
import { innerAddress, macOf, type TunnelEnd } from './route-plan.ts'

/** The port that Linux had for VXLAN before it was given one, and that flannel uses. */
const port = 8472
/** What VXLAN over IPv4 adds to a packet. */
export const tunnelOverheadInBytes = 50

interface TunnelInput {
  readonly names: ClusterNames
  /** The address of this host on the network that carries the tunnel, and the interface that it leaves by. */
  readonly address: string
  readonly device: string
  /** Pod CIDRs of the nodes on this host. */
  readonly own: readonly string[]
  readonly ends: readonly TunnelEnd[]
}

/** Makes the tunnel's interface as it must be, and lets it know its other ends. Changes nothing that is right already. */
export async function ensureTunnel(commands: HostCommands, { names, address, device, own, ends }: TunnelInput): Promise<void> {
  const { vxlanLink: link, vxlanId: id } = names
  const present = await linkOf(commands, link)
  const facts = present?.linkinfo?.info_data
  const isRight = facts?.id === id && facts.local === address
  const mtu = ((await linkOf(commands, device))?.mtu ?? 1500) - tunnelOverheadInBytes
  if (present && !isRight) await commands.run('ip', ['link', 'delete', 'dev', link])
  if (!isRight) {
    const numbers = ['id', String(id), 'local', address, 'dstport', String(port)]
    await commands.run('ip', ['link', 'add', link, 'address', macOf(address), 'type', 'vxlan', ...numbers, 'nolearning'])
  }
  const batch = [
    ...(isRight && present?.mtu === mtu && present.flags?.includes('UP') ? [] : [`link set dev ${link} mtu ${mtu} up`]),
    ...own.map(cidr => `address replace ${innerAddress(cidr)}/32 dev ${link}`),
  ]
  await commands.run('ip', ['-batch', '-'], `${batch.join('\n')}\n`)
  await ensureEnds(commands, link, ends)
}

interface NeighbourRow {
  readonly dst?: string
  readonly lladdr?: string
  readonly mac?: string
  readonly state?: string | readonly string[]
}

async function ensureEnds(commands: HostCommands, link: string, ends: readonly TunnelEnd[]): Promise<void> {
  const known = rows<NeighbourRow>(await commands.run('ip', ['-j', '-4', 'neighbor', 'show', 'dev', link, 'nud', 'permanent']))
  const wantedInner = new Map(ends.map(({ inner, mac }) => [inner, mac]))
  const neighbours = [
    ...known.filter(({ dst = '' }) => !wantedInner.has(dst)).map(({ dst }) => `neighbor delete ${dst} dev ${link}`),
    ...ends
      .filter(({ inner, mac }) => !known.some(({ dst, lladdr }) => dst === inner && lladdr === mac))
      .map(({ inner, mac }) => `neighbor replace ${inner} lladdr ${mac} dev ${link} nud permanent`),
  ]
  if (neighbours.length > 0) await commands.run('ip', ['-batch', '-'], `${neighbours.join('\n')}\n`)

  const forwarded = rows<NeighbourRow>(await commands.run('bridge', ['-j', 'fdb', 'show', 'dev', link]))
  const wantedOuter = new Map(ends.map(({ mac, outer }) => [mac, outer]))
  const entries = [
    ...forwarded
      .filter(({ mac = '', dst }) => dst !== undefined && wantedOuter.get(mac) !== dst)
      .map(({ mac, dst }) => `fdb delete ${mac} dev ${link} dst ${dst}`),
    ...[...wantedOuter]
      .filter(([mac, outer]) => !forwarded.some(entry => entry.mac === mac && entry.dst === outer))
      .map(([mac, outer]) => `fdb append ${mac} dev ${link} dst ${outer} self permanent`),
  ]
  if (entries.length > 0) await commands.run('bridge', ['-batch', '-'], `${entries.join('\n')}\n`)
}

/** Takes the interface away, if it is there. */
export async function removeTunnel(commands: HostCommands, { vxlanLink: link }: ClusterNames): Promise<void> {
  if (await linkOf(commands, link)) await commands.run('ip', ['link', 'delete', 'dev', link])
}
