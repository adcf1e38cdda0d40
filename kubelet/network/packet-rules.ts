import type { ClusterNames } from './cluster-names.ts'

/** Whose packets are let through, and which keep their source. */
export interface PacketInput {
  readonly names: ClusterNames
  /** Pod CIDRs of the nodes on this host. */
  readonly own: readonly string[]
  /** Of other hosts: their pods, and the hosts themselves. */
  readonly peers: readonly { readonly podCIDR: string; readonly address: string }[]
}

/** The rules of the two chains, without `-A CHAIN`. */
export interface PacketRules {
  readonly forward: readonly string[]
  readonly nat: readonly string[]
}

/**
 * Docker keeps its networks apart, drops what comes from outside to no published port, and masquerades all that leaves a network. Between
 * pods, and from nodes to pods, none of that happens here; to the outside it stays so.
 */
export function packetRules({ names, own, peers }: PacketInput): PacketRules {
  const others = peers.map(({ podCIDR }) => podCIDR)
  const addresses = [...new Set(peers.map(({ address }) => address))]
  const into = (source: string) => `-s ${source} -o ${names.bridges} -j ACCEPT`
  return {
    forward: [
      `-i ${names.bridges} -o ${names.bridges} -j ACCEPT`,
      ...others.map(into),
      ...addresses.map(address => into(`${address}/32`)),
    ],
    nat: own.flatMap(source =>
      [...own.filter(cidr => cidr !== source), ...others].map(target => `-s ${source} -d ${target} -j ACCEPT`),
    ),
  }
}

/** What `iptables -S` says of the chains that matter; a chain that is not there is undefined. */
export interface PacketState {
  readonly dockerUser: readonly string[] | undefined
  readonly forwardHook: readonly string[]
  readonly postrouting: readonly string[]
  readonly forward: readonly string[] | undefined
  readonly nat: readonly string[] | undefined
}

/**
 * What to feed to `iptables-restore --noflush` so that the rules stand and are asked first; undefined: they do. Docker puts its own rules
 * in front whenever it makes a network, so ours are moved there again.
 */
export function packetBatch(names: ClusterNames, rules: PacketRules, state: PacketState): string | undefined {
  const hook = state.dockerUser ? 'DOCKER-USER' : 'FORWARD'
  const tables = [
    ['filter', hook, names.forwardChain, rules.forward, state.dockerUser ?? state.forwardHook, state.forward],
    ['nat', 'POSTROUTING', names.natChain, rules.nat, state.postrouting, state.nat],
  ] as const
  const batches = tables.flatMap(([table, from, chain, wanted, hooks, present]) => {
    const jump = `-j ${chain}`
    const added = hooks.filter(rule => rule.startsWith('-A '))
    const at = added.findIndex(rule => rule === `-A ${from} ${jump}`)
    // Those of other clusters may well come before.
    const isFirst = at >= 0 && added.slice(0, at).every(rule => rule.includes(' -j WHERRY-'))
    const isSame =
      present !== undefined &&
      sameRules(
        present,
        wanted.map(rule => `-A ${chain} ${rule}`),
      )
    if (isFirst && isSame) return []
    return [
      `*${table}`,
      `:${chain} - [0:0]`,
      ...(at >= 0 && !isFirst ? [`-D ${from} ${jump}`] : []),
      ...(isFirst ? [] : [`-I ${from} 1 ${jump}`]),
      ...wanted.map(rule => `-A ${chain} ${rule}`),
      'COMMIT',
    ]
  })
  return batches.length > 0 ? `${batches.join('\n')}\n` : undefined
}

/** iptables writes a rule back in its own order, but none is lost and none doubled. */
function sameRules(present: readonly string[], wanted: readonly string[]): boolean {
  const sorted = (rules: readonly string[]) =>
    rules
      .filter(rule => rule.startsWith('-A '))
      .map(words)
      .sort()
  const [left, right] = [sorted(present), sorted(wanted)]
  return left.length === right.length && left.every((rule, i) => rule === right[i])
}

const words = (rule: string) => rule.split(' ').sort().join(' ')

/** Takes the rules away again; what is not there is not missed. */
export function removalBatch(names: ClusterNames, state: PacketState): string | undefined {
  const hooks = [
    ['filter', 'DOCKER-USER', names.forwardChain, state.dockerUser ?? [], state.forward],
    ['filter', 'FORWARD', names.forwardChain, state.forwardHook, state.forward],
    ['nat', 'POSTROUTING', names.natChain, state.postrouting, state.nat],
  ] as const
  const tables = ['filter', 'nat'].flatMap(table => {
    const mine = hooks.filter(([of]) => of === table)
    const chain = mine[0]?.[2] ?? ''
    const isThere = mine[0]?.[4] !== undefined
    const jumps = mine.flatMap(([, from, , rules]) =>
      rules.filter(rule => rule === `-A ${from} -j ${chain}`).map(() => `-D ${from} -j ${chain}`),
    )
    return isThere || jumps.length > 0 ? [`*${table}`, `:${chain} - [0:0]`, ...jumps, `-X ${chain}`, 'COMMIT'] : []
  })
  return tables.length > 0 ? `${tables.join('\n')}\n` : undefined
}
