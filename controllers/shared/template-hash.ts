import { canonicalJson } from '../../lib/json.ts'

/** Letters and digits that cannot spell words (k8s.io/apimachinery/pkg/util/rand, SafeEncodeString). */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789'

/**
 * A short name for a template: FNV-32a of what it says, in the safe alphabet. Collisions are told apart by the count, as upstream does;
 * the figures differ from upstream's, which hashes a dump of a Go structure, but nobody compares them.
 */
export function templateHash(template: object, collisionCount?: number): string {
  let hash = fnv32a(new TextEncoder().encode(canonicalJson(template)))
  if (collisionCount !== undefined) {
    const bytes = new DataView(new ArrayBuffer(8))
    bytes.setUint32(0, collisionCount, true)
    hash = fnv32a(new Uint8Array(bytes.buffer), hash)
  }
  return Array.from(String(hash), digit => safeAlphabet[digit.charCodeAt(0) % safeAlphabet.length]).join('')
}

/** The 32-bit Fowler-Noll-Vo hash, variant 1a; goes on from an earlier hash. */
export function fnv32a(bytes: Uint8Array, start = 0x811c9dc5): number {
  let hash = start
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
