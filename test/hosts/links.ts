import { attempt, run } from './commands.ts'

/** A network that hosts hang on: two links with a router between them, all in a network namespace of their own. */
export interface Links extends AsyncDisposable {
  /** The address of this machine's own namespace on the first link. */
  readonly address: string
  /** Makes a namespace with one interface on a link; answers its address. */
  attach(namespace: string, link: 0 | 1): Promise<string>
  /** Pulls the cable of a namespace, or puts it back. */
  plug(namespace: string, isIn: boolean): Promise<void>
}

/** Addresses for tests of networks, which nobody else has (RFC 2544): a /24 for each of the two links. */
const linkOf = (run: number, link: 0 | 1) => `198.${18 + (run & 1)}.${2 * ((run >> 1) % 127) + link}`

/** `id` is part of all names, so that two runs do not meet. */
export async function makeLinks(id: string, number: number): Promise<Links> {
  const router = `${id}-router`
  const inside = (...args: string[]) => run('ip', '-n', router, ...args)
  const root = `${id}r`
  const made = new Map<string, string>()
  let next = 11

  const links: Links = {
    address: `${linkOf(number, 0)}.1`,
    async attach(namespace, link) {
      const host = next++
      const address = `${linkOf(number, link)}.${host}`
      const port = `${id}p${host}`
      made.set(namespace, port)
      await run('ip', 'netns', 'add', namespace)
      await run('ip', 'link', 'add', port, 'netns', router, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
      await inside('link', 'set', port, 'master', `link${link}`, 'up')
      await run('ip', '-n', namespace, 'link', 'set', 'lo', 'up')
      await run('ip', '-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
      await run('ip', '-n', namespace, 'link', 'set', 'eth0', 'up')
      await run('ip', '-n', namespace, 'route', 'add', 'default', 'via', `${linkOf(number, link)}.254`)
      return address
    },
    plug: async (namespace, isIn) => void (await inside('link', 'set', made.get(namespace) ?? '', isIn ? 'up' : 'down')),
    async [Symbol.asyncDispose]() {
      await attempt('ip', 'route', 'delete', `${linkOf(number, 1)}.0/24`)
      await attempt('ip', 'link', 'delete', root)
      for (const namespace of [...made.keys(), router]) await attempt('ip', 'netns', 'delete', namespace)
    },
  }
  try {
    await run('ip', 'netns', 'add', router)
    await inside('link', 'set', 'lo', 'up')
    for (const link of [0, 1] as const) {
      await inside('link', 'add', `link${link}`, 'type', 'bridge')
      await inside('address', 'add', `${linkOf(number, link)}.254/24`, 'dev', `link${link}`)
      await inside('link', 'set', `link${link}`, 'up')
    }
    await run('ip', 'netns', 'exec', router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    // Bridged frames are no business of the router's packet filter.
    await attempt('ip', 'netns', 'exec', router, 'sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0')
    await run('ip', 'link', 'add', root, 'type', 'veth', 'peer', 'name', `${id}p1`, 'netns', router)
    await inside('link', 'set', `${id}p1`, 'master', 'link0', 'up')
    await run('ip', 'address', 'add', `${links.address}/24`, 'dev', root)
    await run('ip', 'link', 'set', root, 'up')
    await run('ip', 'route', 'add', `${linkOf(number, 1)}.0/24`, 'via', `${linkOf(number, 0)}.254`)
    return links
  } catch (error) {
    await links[Symbol.asyncDispose]()
    throw error
  }
}
