import type { CommandContext } from '../command.ts'
import type { FlagSpecs } from '../flags.ts'

/** Makes one kind of object out of a command line: `create NAME ...`. */
export interface Generator {
  /** `deployment`, or two words: `secret generic`. */
  readonly name: string
  readonly aliases?: readonly string[]
  /** After `create`: `deployment NAME --image=IMAGE`. */
  readonly usage: string
  readonly flags: FlagSpecs
  /** The object, without a namespace. `name` is the word after the generator's. */
  readonly make: (context: CommandContext, name: string) => Promise<Manifest> | Manifest
}

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly object[]
  }
  readonly [field: string]: unknown
}
