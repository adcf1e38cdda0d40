import { decode } from './decode.ts'
import type { AnyKind, Draft, KindDefinition } from './kind.ts'
import type { KubeObject } from './transport.ts'

/** For tests: an object as the server would have it before validation: decoded, with all defaults. */
export function made<T extends KubeObject>(kind: KindDefinition<T>, body: object): Draft<T> {
  const { metadata, ...fields } = body as { metadata?: object }
  const place = kind.namespaced ? { namespace: 'default' } : {}
  const { object } = decode(kind, { metadata: { name: 'x', ...place, ...metadata }, ...fields }, 'Strict')
  kind.default(object)
  return object
}

/** For tests: an object as the server would keep it, as far as its kind decides. `old` makes it an update. */
export function prepared<T extends KubeObject>(kind: KindDefinition<T>, body: object, old?: T): Draft<T> {
  const object = made(kind, body)
  if (old) kind.prepareForUpdate(object, old)
  else kind.prepareForCreate(object)
  kind.default(object)
  return object
}

/** For tests: what validation finds, as `field: message`. `old` makes it an update. */
export function faults(kind: AnyKind, body: object, old?: object): string[] {
  const before = old && made(kind, old)
  const errors = kind.validate(prepared(kind, body, before), before)
  return errors.map(({ field, message }: { field: string; message: string }) => `${field}: ${message}`)
}
