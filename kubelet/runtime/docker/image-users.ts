import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { readable, unless } from './connection.ts'
import type { DockerEngine } from './engine.ts'
import { helperName } from './helpers.ts'
import { type Owner, ownLabel } from './labels.ts'

/** What an image says about its users, as far as it matters to who a container runs as. */
export interface ImageUsers {
  /** The group of a user, and all those that list it as a member. A user nobody knows is in group 0. */
  groupsOf(user: number | string): { readonly gid: number; readonly groups: readonly number[] }
  /** The ID of a group whose *name* is this number: Docker would take it for that group. */
  groupNamed(gid: number): number | undefined
}

/** As much of such a file as anybody reads. Whoever has more users than fit has some that are nobody. */
const longestInBytes = 4 * 2 ** 20
const mostLinks = 10

/** Reads /etc/passwd and /etc/group out of images, through a container that is never started. Keeps what the last so many images said. */
export function imageUsers(engine: DockerEngine, owner: Owner, mostImages = 200): (imageId: string) => Promise<ImageUsers> {
  const known = new Map<string, Promise<ImageUsers>>()
  return imageId => {
    const found = known.get(imageId) ?? readUsers(engine, owner, imageId)
    known.delete(imageId)
    known.set(imageId, found)
    const [oldest] = known.keys()
    if (known.size > mostImages && oldest !== undefined) known.delete(oldest)
    found.catch(() => known.delete(imageId))
    return found
  }
}

async function readUsers(engine: DockerEngine, { cluster, node }: Owner, Image: string): Promise<ImageUsers> {
  const container = await engine.change('finish', docker =>
    docker.createContainer({
      name: helperName('probe'),
      Image,
      Entrypoint: ['-'],
      Labels: { [ownLabel.type]: 'probe', [ownLabel.cluster]: cluster, [ownLabel.node]: node },
      HostConfig: { NetworkMode: 'none', LogConfig: { Type: 'none', Config: {} } },
    }),
  )
  try {
    const read = async (path: string, links = 0): Promise<string> => {
      const stream = await engine.open(docker => docker.getContainer(container.id).getArchive({ path })).catch(unless(404))
      const entry = stream && (await firstEntry(readable(stream)))
      if (!entry?.link) return entry?.text ?? ''
      return links < mostLinks ? read(posix.resolve(posix.dirname(path), entry.link), links + 1) : ''
    }
    return usersIn(await read('/etc/passwd'), await read('/etc/group'))
  } finally {
    await engine.change('finish', () => container.remove({ force: true, v: true })).catch(unless(404, 409))
  }
}

const block = 512

/** The first file or link of a tar archive, behind the headers that only extend others. */
export async function firstEntry(stream: Readable): Promise<{ text?: string; link?: string } | undefined> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of stream) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    if (bytes.length > longestInBytes) break
  }
  stream.destroy()
  for (let at = 0; at + block <= bytes.length; ) {
    const text = (from: number, length: number) => bytes.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '')
    const size = Number.parseInt(text(124, 12).trim() || '0', 8)
    const type = text(156, 1)
    if (type === '2') return { link: text(157, 100) }
    if (type === '' || type === '0') return { text: bytes.toString('utf8', at + block, at + block + size) }
    if (!/^[xgLK]$/.test(type)) return undefined
    at += block + Math.ceil(size / block) * block
  }
  return undefined
}

/** passwd(5) and group(5); lines that make no sense are passed over, as Docker does. */
export function usersIn(passwd: string, group: string): ImageUsers {
  const rows = (text: string) => text.split('\n').map(line => line.trim().split(':'))
  const isId = (text = '') => /^\d{1,10}$/.test(text)
  const users = rows(passwd).filter(([, , uid, gid]) => isId(uid) && isId(gid))
  const groups = rows(group).filter(([, , gid]) => isId(gid))
  return {
    groupsOf(user) {
      const row = users.find(([name, , uid]) => (typeof user === 'number' ? Number(uid) === user : name === user))
      const [name, , , gid] = row ?? []
      const isMember = ([own, , , members = '']: string[]) =>
        name !== undefined && own !== name && members.split(',').includes(name)
      return { gid: Number(gid ?? 0), groups: groups.filter(isMember).map(([, , each]) => Number(each)) }
    },
    groupNamed(gid) {
      // The first line that fits by name or by number is the one that Docker goes by.
      const [name, , id] = groups.find(([own, , each]) => own === String(gid) || Number(each) === gid) ?? []
      return name === String(gid) && Number(id) !== gid ? Number(id) : undefined
    },
  }
}
