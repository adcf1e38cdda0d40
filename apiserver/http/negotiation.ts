import { ApiError } from '../../api/errors.ts'

/** One clause of an Accept header: `application/json;as=Table;v=v1;g=meta.k8s.io`. */
export interface Clause {
  readonly type: string
  readonly parameters: Readonly<Record<string, string>>
  readonly quality: number
}

/** The shape that an answer takes. */
export interface Format {
  readonly type: 'json' | 'yaml'
  /** Transformed into this kind of meta.k8s.io, in this version. */
  readonly as?: Transform
  readonly version?: 'v1' | 'v1beta1'
}

export type Transform = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'

const json: Format = { type: 'json' }
const yaml: Format = { type: 'yaml' }

/** Clients send a handful of different headers over and over. */
const parsed = new Map<string, readonly Clause[]>()

/** The clauses of an Accept header, best first; equally good ones in their order. */
export function parseAccept(accept: string): readonly Clause[] {
  const known = parsed.get(accept)
  if (known) return known
  const clauses = accept.split(',').map(parseClause)
  clauses.sort((a, b) => b.quality - a.quality)
  if (parsed.size >= 500) parsed.clear()
  parsed.set(accept, clauses)
  return clauses
}

function parseClause(text: string): Clause {
  const [type = '', ...rest] = text.split(';').map(part => part.trim())
  const parameters: Record<string, string> = {}
  for (const part of rest) {
    const [key = '', value = ''] = part.split('=')
    parameters[key.trim()] = value.trim().replace(/^"(.*)"$/, '$1')
  }
  const quality = parameters.q === undefined ? 1 : Number(parameters.q)
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality }
}

/**
 * The format that answers an Accept header best. `transforms` are those that this answer can be put into; a clause that wants
 * another, or protobuf, is passed over, and 406 it is when none is left (k8s.io/apiserver/pkg/endpoints/handlers/negotiation).
 * Streams of events are JSON alone.
 */
export function negotiate(accept: string | undefined, transforms: readonly Transform[], isStream = false): Format {
  if (!accept || accept === '*/*' || accept === 'application/json') return json
  for (const { type, parameters, quality } of parseAccept(accept)) {
    if (quality === 0) continue
    const format = type === 'application/yaml' && !isStream ? yaml : isJson(type) ? json : undefined
    if (!format || (parameters.stream && !isStream)) continue
    const { as, g, v } = parameters
    if (as === undefined && g === undefined && v === undefined) return format
    const transform = transforms.find(name => name === as)
    if (transform && g === 'meta.k8s.io' && (v === 'v1' || v === 'v1beta1')) return { ...format, as: transform, version: v }
  }
  throw notAcceptable(isStream)
}

const isJson = (type: string) => type === 'application/json' || type === '*/*' || type === 'application/*'

const acceptedTypes = 'application/json, application/yaml'

function notAcceptable(isStream = false): ApiError {
  const types = isStream ? 'application/json;stream=watch' : acceptedTypes
  return new ApiError('NotAcceptable', `only the following media types are accepted: ${types}`)
}
