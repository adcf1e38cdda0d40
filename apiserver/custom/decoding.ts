import { coerceEmbedded } from '../../api/apiextensions/embedded-objects.ts'
import type { JsonSchemaProps } from '../../api/apiextensions/json-schema-props.ts'
import { dropNulls, fillDefaults, prune } from '../../api/apiextensions/pruning.ts'
import { type DecodeResult, tryDecodePart } from '../../api/decode.ts'
import { ObjectMeta } from '../../api/meta.ts'
import type { KubeObject } from '../../api/transport.ts'
import { copy } from '../../lib/json.ts'

type Fields = Record<string, unknown>

interface Identity {
  readonly apiVersion: string
  readonly kind: string
}

/** Reads JSON as a custom resource: pruned, with defaults. Fields that were pruned are told. Changes nothing. */
export function decodeCustom(identity: Identity, schema: JsonSchemaProps, value: unknown): DecodeResult<KubeObject> {
  const { metadata = {}, apiVersion: _apiVersion, kind: _kind, ...fields } = copy(value) as Fields
  const meta = tryDecodePart(ObjectMeta, metadata, 'metadata')
  if (!meta.ok) return meta
  const shaped = shape(fields, schema)
  if (shaped.error !== undefined) return { ok: false, error: shaped.error }
  fillDefaults(fields, schema)
  const unknown = [...meta.unknownPaths, ...shaped.unknown].map(path => `unknown field ${JSON.stringify(path)}`)
  return { ok: true, object: { ...identity, metadata: meta.value, ...fields } as never, unknown }
}

/** Makes the fields of an object fit a schema; changes them. */
export function shape(fields: Fields, schema: JsonSchemaProps): { readonly unknown: readonly string[]; readonly error?: string } {
  const unknown = prune(fields, schema)
  dropNulls(fields, schema)
  const { unknown: inside, error } = coerceEmbedded(fields, schema)
  return { unknown: [...unknown, ...inside], ...(error !== undefined && { error }) }
}
