import type { AnyKind } from './kind.ts'

/** Every kind that is served, in the order in which discovery lists them. */
export const kinds: readonly AnyKind[] = []
