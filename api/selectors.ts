import { labelValueText, qualifiedName } from './names.ts'

/** One demand on labels. `=` and `in`, `!=` and `notin` differ only in how they are written. */
export interface LabelRequirement {
  readonly key: string
  readonly operator: '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'
  readonly values: readonly string[]
}

/** Demands that must all hold; none: everything matches. */
export type LabelRequirements = readonly LabelRequirement[]

/** What selects objects by labels. `nothing` is what an absent selector selects. */
export type Selector = LabelRequirements | 'nothing'

/** A LabelSelector as objects carry it. */
export interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

type Labels = Readonly<Record<string, string>> | undefined

/** Whether labels fulfil a selector. An absent label fulfils `!=` and `notin`. */
export function matchesLabels(selector: Selector, labels: Labels): boolean {
  if (selector === 'nothing') return false
  for (const requirement of selector) if (!fulfils(requirement, labels)) return false
  return true
}

function fulfils({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const actual = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case '=':
    case 'in':
      return actual !== undefined && values.includes(actual)
    case '!=':
    case 'notin':
      return actual === undefined || !values.includes(actual)
    case 'exists':
      return actual !== undefined
    case '!':
      return actual === undefined
    case 'gt':
      return isInteger(actual) && BigInt(actual) > BigInt(values[0] ?? 0)
    case 'lt':
      return isInteger(actual) && BigInt(actual) < BigInt(values[0] ?? 0)
  }
}

const isInteger = (text: string | undefined): text is string => text !== undefined && /^-?\d{1,19}$/.test(text)
const byKey = (a: LabelRequirement, b: LabelRequirement) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)

const operators = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' } as const

/** Understands the object form. An absent one selects nothing, an empty one everything. Throws on what validation would refuse. */
export function fromLabelSelector(selector: LabelSelectorObject | undefined): Selector {
  if (!selector) return 'nothing'
  const requirements: LabelRequirement[] = []
  for (const key in selector.matchLabels) {
    requirements.push(checked({ key, operator: '=', values: [selector.matchLabels[key] ?? ''] }))
  }
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    if (!Object.hasOwn(operators, operator)) throw new Error(`"${operator}" is not a valid label selector operator`)
    requirements.push(checked({ key, operator: operators[operator as keyof typeof operators], values }))
  }
  return requirements.sort(byKey)
}

/** Understands the map form, as Services carry it. An absent or empty one selects nothing. */
export function fromLabelMap(labels: Labels): Selector {
  const requirements = Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] }) as const)
  return requirements.length === 0 ? 'nothing' : requirements.sort(byKey)
}

/** A selector as text, in the syntax that `parseLabelSelector` reads; empty when everything matches. */
export function formatSelector(selector: Selector): string {
  if (selector === 'nothing') return ''
  return selector.map(formatRequirement).join(',')
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'gt':
      return `${key}>${values[0]}`
    case 'lt':
      return `${key}<${values[0]}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`
    case '=':
    case '!=':
      return `${key}${operator}${values[0]}`
  }
}

/** What tables show for a LabelSelector: `<none>` when there is nothing to show. */
export function describeSelector(selector: LabelSelectorObject | undefined): string {
  try {
    return formatSelector(fromLabelSelector(selector)) || '<none>'
  } catch {
    return '<error>'
  }
}

/** What is wrong with a requirement, in upstream's words. */
function checked(requirement: LabelRequirement): LabelRequirement {
  const { key, operator, values } = requirement
  const fail = (field: string, value: unknown, detail: string): never => {
    throw new Error(`${field}: Invalid value: ${JSON.stringify(value)}: ${detail}`)
  }
  const keyErrors = qualifiedName(key)
  if (keyErrors.length > 0) fail('key', key, keyErrors.join('; '))
  if ((operator === 'in' || operator === 'notin') && values.length === 0) {
    fail('values', values, "for 'in', 'notin' operators, values set can't be empty")
  }
  if ((operator === 'exists' || operator === '!') && values.length > 0) {
    fail('values', values, 'values set must be empty for exists and does not exist')
  }
  if ((operator === 'gt' || operator === 'lt') && !isInteger(values[0])) {
    fail('values[0]', values[0], "for 'Gt', 'Lt' operators, the value must be an integer")
  }
  for (const [i, value] of values.entries()) {
    const errors = labelValueText(value)
    if (errors.length > 0) fail(`values[${i}][${key}]`, value, errors.join('; '))
  }
  return requirement
}

/**
 * Understands `a=b,c!=d,e in (x,y),!f,g,h>1` (k8s.io/apimachinery/pkg/labels/selector.go). Throws an Error with upstream's text
 * when it cannot.
 */
export function parseLabelSelector(text: string): LabelRequirements {
  const tokens = tokenize(text)
  let at = 0
  const next = () => tokens[at++] ?? endToken
  const peek = () => tokens[at] ?? endToken
  const requirements: LabelRequirement[] = []
  while (true) {
    const first = peek()
    if (first.type === 'end') return requirements.sort(byKey)
    if (first.type !== 'word' && first.text !== '!') {
      throw new Error(`found '${first.text}', expected: !, identifier, or 'end of string'`)
    }
    try {
      requirements.push(readRequirement(next, peek))
    } catch (error) {
      throw new Error(`unable to parse requirement: ${error instanceof Error ? error.message : String(error)}`)
    }
    const separator = next()
    if (separator.type === 'end') return requirements.sort(byKey)
    if (separator.text !== ',') throw new Error(`found '${separator.text}', expected: ',' or 'end of string'`)
    const following = peek()
    if (following.type !== 'word' && following.text !== '!') {
      throw new Error(`found '${following.text}', expected: identifier after ','`)
    }
  }
}

interface Token {
  readonly type: 'word' | 'symbol' | 'end'
  readonly text: string
}

const endToken: Token = { type: 'end', text: '' }

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  for (const [match] of text.matchAll(/==|!=|[=!(),><]|[^\s=!(),><]+/g)) {
    tokens.push({ type: /^[=!(),><]/.test(match) ? 'symbol' : 'word', text: match })
  }
  return tokens
}

const symbols: Record<string, LabelRequirement['operator']> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '=',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
}

function readRequirement(next: () => Token, peek: () => Token): LabelRequirement {
  let keyToken = next()
  const isNegated = keyToken.text === '!'
  if (isNegated) keyToken = next()
  if (keyToken.type !== 'word') throw new Error(`found '${keyToken.text}', expected: identifier`)
  const key = keyToken.text
  const keyErrors = qualifiedName(key)
  if (keyErrors.length > 0) throw new Error(`<nil>: Invalid value: ${JSON.stringify(key)}: ${keyErrors.join('; ')}`)
  if (isNegated) return { key, operator: '!', values: [] }
  if (peek().type === 'end' || peek().text === ',') return { key, operator: 'exists', values: [] }
  const operatorToken = next()
  const operator = Object.hasOwn(symbols, operatorToken.text) ? symbols[operatorToken.text] : undefined
  if (!operator) throw new Error(`found '${operatorToken.text}', expected: in, notin, =, ==, !=, gt, lt`)
  const values = operator === 'in' || operator === 'notin' ? readValues(next, peek) : readExactValue(next, peek)
  return checked({ key, operator, values })
}

function readExactValue(next: () => Token, peek: () => Token): string[] {
  if (peek().type === 'end' || peek().text === ',') return ['']
  const token = next()
  if (token.type !== 'word') throw new Error(`found '${token.text}', expected: identifier`)
  return [token.text]
}

/** `(a,b)`; nothing between commas stands for the empty value. */
function readValues(next: () => Token, peek: () => Token): string[] {
  const open = next()
  if (open.text !== '(') throw new Error(`found '${open.text}' expected: '('`)
  if (peek().text === ')') {
    next()
    return []
  }
  const values = new Set<string>()
  while (true) {
    const token = next()
    if (token.type === 'word') {
      values.add(token.text)
      const after = next()
      if (after.text === ')') return [...values].sort()
      if (after.text !== ',') throw new Error(`found '${after.text}', expected: ',' or ')'`)
      if (peek().text === ')') {
        next()
        return [...values.add('')].sort()
      }
    } else if (token.text === ',') {
      values.add('')
      if (peek().text === ')') {
        next()
        return [...values].sort()
      }
    } else throw new Error(`found '${token.text}', expected: ',', or identifier`)
  }
}

/** One demand on a field. */
export interface FieldRequirement {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/**
 * Understands `a=b,c!=d` (k8s.io/apimachinery/pkg/fields/selector.go); `\,`, `\=` and `\\` stand for themselves in values.
 * Throws an Error with upstream's text when it cannot.
 */
export function parseFieldSelector(text: string): FieldRequirement[] {
  const requirements: FieldRequirement[] = []
  for (const term of splitUnescaped(text)) {
    if (term === '') continue
    const match = /^((?:\\.|[^=!\\]|!(?!=))*)(!=|==|=)(.*)$/s.exec(term)
    if (!match) throw new Error(`invalid selector: '${text}'; can't understand '${term}'`)
    const [, field = '', operator, escaped = ''] = match
    requirements.push({ field, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(escaped) })
  }
  return requirements
}

function splitUnescaped(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === ',') {
      terms.push(text.slice(start, i))
      start = i + 1
    }
  }
  terms.push(text.slice(start))
  return terms
}

function unescapeValue(escaped: string): string {
  let value = ''
  for (let i = 0; i < escaped.length; i++) {
    const character = escaped[i] ?? ''
    if (character !== '\\') {
      if (character === ',' || character === '=')
        throw new Error(`invalid field selector: unescaped character in value: ${character}`)
      value += character
      continue
    }
    const following = escaped[++i]
    if (following !== '\\' && following !== ',' && following !== '=') {
      throw new Error(`invalid field selector: invalid escape sequence: \\${following ?? ''}`)
    }
    value += following
  }
  return value
}
