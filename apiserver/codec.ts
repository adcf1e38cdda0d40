import type { KubeObject } from '../api/transport.ts'
import { freezeSharing } from '../lib/sharing.ts'
import type { Stored } from './request.ts'

/**
 * The object that belongs to bytes, as long as anyone holds it: the watch cache and every local watcher share it, and what
 * nobody looks at costs only its bytes.
 */
const decoded = new WeakMap<Uint8Array, WeakRef<KubeObject>>()

/** One object of each family, for the next ones to share with what they have in common. */
const samples = new Map<string, KubeObject>()
const mostSamples = 500

/** Objects of a kind with the same owner come from one template. */
function settle(object: KubeObject, former?: KubeObject): KubeObject {
  const family = `${object.apiVersion} ${object.kind} ${object.metadata.ownerReferences?.[0]?.uid ?? ''}`
  const settled = freezeSharing(object, former ?? samples.get(family))
  if (samples.size >= mostSamples) samples.clear()
  samples.set(family, settled)
  return settled
}

/**
 * The bytes of an object, made once. Freezes the object, which comes to share what is equal with its former state or its family;
 * `decode` of the bytes answers what it has become.
 */
export function encode(object: KubeObject, former?: KubeObject): Uint8Array {
  const bytes = exactBytes(JSON.stringify(object))
  decoded.set(bytes, new WeakRef(settle(object, former)))
  return bytes
}

/** The frozen object that bytes stand for. */
export function decode(bytes: Uint8Array): KubeObject {
  const known = decoded.get(bytes)?.deref()
  if (known) return known
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  const object = settle(JSON.parse(text) as KubeObject)
  decoded.set(bytes, new WeakRef(object))
  return object
}

/** Not from Node's pool: one long-lived object would keep its neighbours' old versions in memory. */
function exactBytes(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

const decodesWhenAsked = {
  get object(): KubeObject {
    return decode((this as unknown as Stored).bytes)
  },
}

/** Bytes as an object that is decoded when someone looks. */
export function stored(bytes: Uint8Array, revision: number): Stored {
  return { __proto__: decodesWhenAsked, bytes, revision } as unknown as Stored
}
