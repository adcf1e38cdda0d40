import { readFile } from 'node:fs/promises'
import type { Random } from '../lib/random.ts'

/** Candidates for a cluster's pods: 10.200.0.0/16 to 10.254.0.0/16. */
const first = 200
const count = 55

/** The second bytes of all routes in 10.0.0.0/8, from the text of /proc/net/route. */
export function takenBytes(routes: string): Set<number> {
  const taken = new Set<number>()
  for (const line of routes.split('\n').slice(1)) {
    const [, destination = '', , , , , , mask = ''] = line.split(/\s+/)
    if (!/^[0-9A-F]{8}$/.test(destination) || !destination.endsWith('0A')) continue
    // Little-endian hex: the last pair is the first byte. A route wider than /16 takes up everything it covers.
    const wildcard = 255 - Number.parseInt(mask.slice(4, 6), 16)
    const second = Number.parseInt(destination.slice(4, 6), 16)
    if (wildcard === 255) continue
    for (let offset = 0; offset <= wildcard; offset++) taken.add(second + offset)
  }
  return taken
}

/** A /16 for pods that no network of this machine uses: where to look first is left to chance, so that two clusters starting at once differ. */
export async function freePodRange(random: Random): Promise<string> {
  const taken = takenBytes(await readFile('/proc/net/route', 'utf8').catch(() => ''))
  const start = random.below(count)
  for (let tried = 0; tried < count; tried++) {
    const second = first + ((start + tried) % count)
    if (!taken.has(second)) return `10.${second}.0.0/16`
  }
  throw new Error('every range from 10.200.0.0/16 to 10.254.0.0/16 is in use on this machine')
}
