import { ConfigMap } from '../../../api/core/config-map.ts'
import { Secret } from '../../../api/core/secret.ts'
import type { PodSpec, RealPods } from '../../support/real-pods.ts'

/** How a container of these tests goes on for as long as it is looked into. */
export const goOn = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1; done']

let made = 0

/** A name that nothing else in these tests has. */
export function newName(what: string): string {
  made += 1
  return `${what}-${made}`
}

/** What the volumes of ConfigMaps and Secrets, on their own or in a projected volume, can be told. */
export interface SourceOptions {
  readonly items?: readonly { key: string; path: string; mode?: number }[]
  readonly optional?: boolean
  readonly defaultMode?: number
}

/** Objects with data, and the volume that shows one of them. */
export interface DataArea {
  readonly kind: typeof ConfigMap | typeof Secret
  volume(name: string, options?: SourceOptions): object
}

/** The four areas that promise nearly the same, by the names that upstream's tests begin with. */
export const dataAreas: Record<'ConfigMap' | 'Projected configMap' | 'Secrets' | 'Projected secret', DataArea> = {
  ConfigMap: { kind: ConfigMap, volume: (name, options) => ({ configMap: { name, ...options } }) },
  'Projected configMap': {
    kind: ConfigMap,
    volume: (name, { defaultMode, ...options } = {}) => ({
      projected: { defaultMode, sources: [{ configMap: { name, ...options } }] },
    }),
  },
  Secrets: { kind: Secret, volume: (name, options) => ({ secret: { secretName: name, ...options } }) },
  'Projected secret': {
    kind: Secret,
    volume: (name, { defaultMode, ...options } = {}) => ({
      projected: { defaultMode, sources: [{ secret: { name, ...options } }] },
    }),
  },
}

export const threeValues = { 'data-1': 'value-1', 'data-2': 'value-2', 'data-3': 'value-3' }

/** The `data` of an object; null takes a key away in a patch. */
export function dataOf({ kind }: DataArea, entries: Record<string, string | null>): object {
  const written = (text: string | null) => (kind === Secret && text !== null ? Buffer.from(text).toString('base64') : text)
  return Object.fromEntries(Object.entries(entries).map(([key, text]) => [key, written(text)]))
}

/** Creates a ConfigMap or a Secret. */
export async function store(pods: RealPods, area: DataArea, name: string, entries: Record<string, string> = threeValues) {
  await pods.create({ apiVersion: 'v1', kind: area.kind.kind, metadata: { name }, data: dataOf(area, entries) })
  return name
}

/** A pod whose one container has each volume, given by its name, at /etc/<name>, and runs a script. */
export function mounting(volumes: Record<string, object>, script: string | readonly string[], spec: PodSpec = {}): PodSpec {
  const names = Object.keys(volumes)
  return {
    volumes: names.map(name => ({ name, ...volumes[name] })),
    ...spec,
    container: {
      command: typeof script === 'string' ? ['sh', '-c', script] : script,
      volumeMounts: names.map(name => ({ name, mountPath: `/etc/${name}` })),
      ...spec.container,
    },
  }
}

/** What a pod with this volume sees of a file in it: its mode, its group and what is in it, `-rw-r--r-- 0 value-1`. */
export async function seen(pods: RealPods, volume: object, path: string, spec?: PodSpec): Promise<string> {
  const look = `stat -L -c '%A %g' /etc/volume/${path} && cat /etc/volume/${path}`
  return (await pods.output(newName('sees'), mounting({ volume }, look, spec))).trim().replace('\n', ' ')
}
