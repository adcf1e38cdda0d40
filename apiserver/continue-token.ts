import { ApiError } from '../api/errors.ts'

/** Where a list goes on: which revision, after which key (relative to the list's prefix), and how many are left. */
export interface ContinueToken {
  /** -1: whatever is newest by then. */
  readonly revision: number
  readonly after: string
  readonly remaining?: number | undefined
}

const version = 'meta.k8s.io/v1'

/** As upstream writes it (k8s.io/apiserver/pkg/storage/continue.go), plus how many items are left, which saves counting them. */
export function encodeToken({ revision, after, remaining }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: version, rv: revision, start: `${after}\u0000`, left: remaining })).toString('base64url')
}

export function decodeToken(token: string): ContinueToken {
  const { v, rv, start, left } = parse(token)
  if (v !== version) throw invalid('server does not recognize this encoded version')
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0) {
    throw invalid(`incorrect encoded start resourceVersion (version ${version})`)
  }
  if (typeof start !== 'string' || start === '') throw invalid(`encoded start key empty (version ${version})`)
  const after = start.endsWith('\u0000') ? start.slice(0, -1) : start
  const isClean = after.split('/').every(part => part !== '' && part !== '.' && part !== '..')
  if (!isClean) throw invalid(start)
  return { revision: rv, after, ...(typeof left === 'number' && left >= 0 && { remaining: left }) }
}

function parse(token: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error))
  }
  throw invalid('not an object')
}

function invalid(why: string): ApiError {
  return new ApiError('BadRequest', `invalid continue token: continue key is not valid: ${why}`)
}
