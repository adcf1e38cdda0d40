import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Any address outside will do: nothing is sent to it (RFC 5737, TEST-NET-1). */
const somewhere = '192.0.2.1'

/** The address of this machine from which it speaks to another one; without a way there, its first one. */
export async function sourceAddress(towards = somewhere): Promise<string> {
  const host = towards.replace(/^\[|\]$/g, '')
  const found = await new Promise<string | undefined>(resolve => {
    const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
    const done = (address: string | undefined) => {
      socket.close()
      resolve(address)
    }
    socket.once('error', () => done(undefined))
    socket.connect(9, host, () => done(socket.address().address))
  })
  if (found !== undefined && found !== '0.0.0.0' && !found.startsWith('127.')) return found
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  return all.find(one => one.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1'
}
