import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type Device, type DevicePlugin, mergeOptions } from './plugin.ts'
import { isExtendedResource } from './resource-names.ts'

/** One device as the file tells of it; a plain string is its `path`. */
export interface DeviceEntry {
  /** Default: the path. */
  readonly id?: string
  /** On the host. The device is healthy while this exists. */
  readonly path: string
  /** Default: as on the host. */
  readonly containerPath?: string
  /** Default `rwm`. */
  readonly permissions?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Plugins for what a JSON file lists: `{ "example.com/printer": ["/dev/lp0", { "id": "two", "path": "/dev/lp1" }] }`. Throws what is wrong with it. */
export async function filePlugins(file: string): Promise<DevicePlugin[]> {
  const wrong = (what: string) => new Error(`${file}: ${what}`)
  const text = await readFile(file, 'utf8')
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${file} is not JSON`, { cause })
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw wrong('must be an object')
  return Object.entries(content).map(([resource, list]) => {
    if (!isExtendedResource(resource)) throw wrong(`${JSON.stringify(resource)} is no name of an extended resource`)
    if (!Array.isArray(list)) throw wrong(`${resource} must be a list of devices`)
    const entries = list.map(each => entryOf(each, () => wrong(`${resource}: each device needs a path that begins with a slash`)))
    if (new Set(entries.map(({ id }) => id)).size < entries.length) throw wrong(`${resource}: two devices have the same id`)
    return filePlugin(resource, entries)
  })
}

type Entry = DeviceEntry & { readonly id: string }

function entryOf(given: unknown, wrong: () => Error): Entry {
  const entry = (typeof given === 'string' ? { path: given } : given) as Partial<DeviceEntry> | null
  if (typeof entry?.path !== 'string' || !entry.path.startsWith('/')) throw wrong()
  return { id: entry.path, ...entry, path: entry.path }
}

function filePlugin(resource: string, entries: readonly Entry[]): DevicePlugin {
  return {
    resource,
    devices: () => entries.map(({ id, path }): Device => ({ id, isHealthy: existsSync(path) })),
    async allocate(ids) {
      const chosen = entries.filter(({ id }) => ids.includes(id))
      return mergeOptions(
        chosen.map(({ path, containerPath = path, permissions = 'rwm', env = {} }) => ({
          env,
          mounts: [],
          nodes: [{ hostPath: path, containerPath, permissions }],
          annotations: {},
        })),
      )
    },
  }
}
