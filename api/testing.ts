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

/** For tests: what validation finds, as `field: message`. `old` makes it an update. */
export function faults(kind: AnyKind, body: object, old?: object): string[] {
  const errors = kind.validate(made(kind, body), old && made(kind, old))
  return errors.map(({ field, message }: { field: string; message: string }) => `${field}: ${message}`)
}
