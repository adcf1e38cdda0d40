import type { Random } from '../../lib/random.ts'
import type { Stage } from './stage.ts'

/** What somebody is about to do: in words, and in deed. */
export interface Act {
  readonly text: string
  readonly act: () => Promise<unknown>
}

/** Something that may happen; undefined where there is nothing that it could happen to. */
export type Deed = (stage: Stage) => Act | undefined

/** What may happen to one sort of objects. */
export interface Theme {
  readonly name: string
  /** What a story about them begins with: without them there would be nothing that anything could happen to. */
  readonly opening?: readonly Deed[]
  readonly deeds: readonly Deed[]
  /** Takes back what would keep everything from coming to rest, or from being what it should. */
  readonly calm?: (stage: Stage) => Promise<void>
}

/** One of some; undefined where there are none. */
export function oneOf<T>(random: Random, items: readonly T[]): T | undefined {
  return items[random.below(items.length)]
}

/** One of some that there are. */
export function pick<const Items extends readonly [unknown, ...unknown[]]>(random: Random, ...items: Items): Items[number] {
  return items[random.below(items.length)]
}

/** One of some objects of whatever shapes: patches, mostly. */
export const pickObject = (random: Random, ...items: readonly [object, ...object[]]): object => pick(random, ...items)

export const propagation = (random: Random) => pick(random, 'Background', 'Foreground', 'Orphan', 'Background')

export const namespaces = ['default', 'blue'] as const
export const aNamespace = (random: Random) => pick(random, 'default', 'default', 'blue')

/** `default/web`, for words. */
export const named = ({ metadata }: { metadata: { namespace?: string; name: string } }) =>
  metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name

/** What pods look like: an application, in some version, that asks for a little. */
export const podTemplate = (app: string, image: string, spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: {
    containers: [
      { name: 'main', image, ports: [{ name: 'http', containerPort: 8080 }], resources: { requests: { cpu: '100m' } } },
    ],
    ...spec,
  },
})
export const images = ['app:1', 'app:2', 'app:3', 'app:broken'] as const
export const anImage = (random: Random) => images[random.below(9) ? random.below(3) : 3] ?? 'app:1'
