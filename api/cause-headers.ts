import type { Cause, Note } from './journal.ts'

/**
 * How a cause travels over HTTP: W3C `baggage` carries actor, waking revisions and note; `traceparent` gives tracing tools a
 * parent to hang the request under. Both ends of the wire use this file.
 */

/** The W3C baggage limit that every implementation must take; a note that does not fit loses its figures, then its text. */
const longestBaggage = 8192

/** The headers to send along with a write; empty without a cause. */
export function causeHeaders(cause: Cause | undefined): Record<string, string> {
  if (!cause) return {}
  const base = `wherry.actor=${encodeURIComponent(cause.actor)}`
  const { wokenBy = [], note } = cause
  const woken = wokenBy.length > 0 ? `,wherry.woken=${wokenBy.slice(-64).join('+')}` : ''
  const left = longestBaggage - base.length - woken.length
  const headers: Record<string, string> = { baggage: base + woken + (note ? noteMember(note, left) : '') }
  const [first] = wokenBy
  if (first !== undefined) headers.traceparent = traceparent(first, wokenBy.at(-1) ?? first)
  return headers
}

/** Everything of the note that fits. */
function noteMember(note: Note, room: number): string {
  const { rule, text } = note
  for (const candidate of [note, { rule, text }, { rule, text: '' }]) {
    const member = `,wherry.note=${encodeURIComponent(JSON.stringify(candidate))}`
    if (member.length <= room) return member
  }
  return ''
}

/** The trace is the first write that woke the actor, the parent the last one: revisions are unique within a cluster. */
function traceparent(first: number, last: number): string {
  return `00-${tracePrefix}${first.toString(16).padStart(16, '0')}-${last.toString(16).padStart(16, '0')}-01`
}
const tracePrefix = '7768657272790000'

/**
 * The cause that a request's headers tell of. Baggage that is not ours is ignored, what is malformed is dropped. Without ours the
 * actor is the product that the User-Agent starts with; `undefined` when there is none either.
 */
export function causeFromHeaders(headers: {
  baggage?: string | string[] | undefined
  'user-agent'?: string | undefined
}): Cause | undefined {
  const { baggage } = headers
  if (baggage === undefined) return actorCause(headers['user-agent'])
  const members = new Map<string, string>()
  for (const member of String(baggage).split(',')) {
    const equals = member.indexOf('=')
    if (equals < 0) continue
    const value = decode(member.slice(equals + 1).split(';', 1)[0] ?? '')
    if (value !== undefined) members.set(member.slice(0, equals).trim(), value)
  }
  const actor = members.get('wherry.actor')
  if (!actor) return actorCause(headers['user-agent'])
  const wokenBy = (members.get('wherry.woken') ?? '').split('+').map(Number).filter(isRevision)
  const note = parseNote(members.get('wherry.note'))
  return { actor, ...(wokenBy.length > 0 && { wokenBy }), ...(note && { note }) }
}

const isRevision = (value: number) => Number.isSafeInteger(value) && value > 0

/** User agents are few and come with every request, so their causes are shared. */
const byUserAgent = new Map<string, Cause>()

const actorCause = (userAgent: string | undefined): Cause | undefined => (userAgent ? causeOf(userAgent) : undefined)

function causeOf(userAgent: string): Cause {
  let cause = byUserAgent.get(userAgent)
  if (!cause) {
    const actor = (userAgent.split('/', 1)[0] ?? '').replace(/[^\x20-\x7e\u00a0-\uffff]/g, '').slice(0, 128)
    cause = Object.freeze({ actor })
    if (byUserAgent.size >= 1000) byUserAgent.clear()
    byUserAgent.set(userAgent, cause)
  }
  return cause
}

/**
 * The User-Agent up to the first slash, unprintable characters dropped, cut at 128: also the default field manager
 * (k8s.io/apiserver/pkg/endpoints/handlers/create.go, managerOrUserAgent).
 */
export const productOf = (userAgent: string): string => causeOf(userAgent).actor

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return undefined
  }
}

function parseNote(text: string | undefined): Note | undefined {
  if (!text) return undefined
  try {
    const { rule, text: sentence, data } = JSON.parse(text) as Partial<Note>
    if (typeof rule !== 'string' || typeof sentence !== 'string') return undefined
    return { rule, text: sentence, ...(data !== undefined && { data }) }
  } catch {
    return undefined
  }
}
