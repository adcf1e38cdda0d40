import { clientKinds } from '../api/apiextensions/client-kinds.ts'
import { CustomResourceDefinition } from '../api/apiextensions/custom-resource-definition.ts'
import type { Definition } from '../api/apiextensions/definition.ts'
import type { AnyKind } from '../api/kind.ts'
import type { CustomFollowing, Watch } from './controller.ts'
import type { Informer, Informers } from './informer.ts'

interface Options {
  readonly custom: CustomFollowing
  readonly informers: Informers
  /** The informers of the controller: those of custom resources come and go here. */
  readonly informed: Map<AnyKind, Informer>
  readonly subscribe: (watch: Watch) => (() => void) | undefined
}

/** Keeps a controller's informers of custom resources in step with what is defined. */
export function followCustom({ custom, informers, informed, subscribe }: Options) {
  const followed = new Map<AnyKind, (() => void) | undefined>()

  function update(): void {
    const definitions = informed.get(CustomResourceDefinition)?.lister.list() ?? []
    const wanted = new Set(clientKinds(definitions as unknown as Definition[]))
    const gone = [...followed.keys()].filter(kind => !wanted.has(kind))
    const come = [...wanted].filter(kind => !followed.has(kind))
    if (gone.length === 0 && come.length === 0) return
    for (const kind of gone) {
      followed.get(kind)?.()
      followed.delete(kind)
      informed.delete(kind)
      if (custom.watch) informers.forget(kind)
    }
    for (const kind of come) begin(kind)
    custom.changed?.([...wanted])
    for (const kind of come) if (custom.watch) followed.set(kind, subscribe(custom.watch(kind)))
  }

  function begin(kind: AnyKind): void {
    followed.set(kind, undefined)
    if (!custom.watch) return
    const informer = informers.of(kind) as Informer
    const index = custom.index?.(kind)
    if (index) informer.index(index.name, index.values)
    informed.set(kind, informer)
  }

  update()
  const stopDefinitions = informed.get(CustomResourceDefinition)?.subscribe(update)
  return {
    /** Resolves when what there is now is known. */
    synced: (signal: AbortSignal) => Promise.all([...followed.keys()].map(async kind => informed.get(kind)?.synced(signal))),
    stop(): void {
      stopDefinitions?.()
      for (const [kind, stop] of followed) {
        stop?.()
        informed.delete(kind)
      }
      followed.clear()
      custom.changed?.([])
    },
  }
}
