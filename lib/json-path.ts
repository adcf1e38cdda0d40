/**
 * JSONPath templates as kubectl speaks them (k8s.io/client-go/util/jsonpath): text, `{.a.b[0]}`, `{range .items[*]}...{end}`,
 * `{"\n"}`, filters `[?(@.type=="Ready")]`, `..name`, unions, slices.
 */
export type Template = readonly Part[]

type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'path'; readonly path: Path }
  | { readonly type: 'range'; readonly path: Path; readonly body: Template }

interface Path {
  readonly steps: readonly Step[]
  /** `$`: from the top even inside a range. */
  readonly fromRoot: boolean
}

type Step =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'wildcard' }
  | { readonly type: 'descend' }
  | { readonly type: 'union'; readonly names: readonly string[] }
  | { readonly type: 'slice'; readonly from?: number; readonly to?: number; readonly step: number; readonly single: boolean }
  | { readonly type: 'filter'; readonly left: Operand; readonly operator?: string; readonly right?: Operand }

type Operand = { readonly path: Path } | { readonly literal: string | number | boolean }

export class JsonPathError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'JsonPathError'
  }
}

/** Reads a template. Throws a JsonPathError. */
export function parseJsonPath(template: string): Template {
  const tokens = tokenize(template)
  let at = 0
  const parts = parseParts(false)
  return parts

  function parseParts(inRange: boolean): Part[] {
    const parts: Part[] = []
    while (at < tokens.length) {
      const token = tokens[at++] as Token
      if (token.type === 'text') parts.push({ type: 'text', text: token.text })
      else if (token.text === 'end') {
        if (!inRange) throw new JsonPathError('not in range, nothing to end')
        return parts
      } else if (/^range\s/.test(token.text))
        parts.push({ type: 'range', path: parsePath(token.text.slice(5).trim()), body: parseParts(true) })
      else parts.push(...parseAction(token.text))
    }
    if (inRange) throw new JsonPathError('unterminated range')
    return parts
  }
}

type Token = { type: 'text' | 'action'; text: string }

function tokenize(template: string): Token[] {
  const tokens: Token[] = []
  let text = ''
  for (let i = 0; i < template.length; i++) {
    if (template[i] !== '{') {
      text += template[i]
      continue
    }
    if (text) tokens.push({ type: 'text', text })
    text = ''
    const end = closingBrace(template, i)
    tokens.push({ type: 'action', text: template.slice(i + 1, end).trim() })
    i = end
  }
  if (text) tokens.push({ type: 'text', text })
  return tokens
}

function closingBrace(template: string, open: number): number {
  let quote = ''
  for (let i = open + 1; i < template.length; i++) {
    const char = template[i] as string
    if (quote) {
      if (char === '\\') i++
      else if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '}') return i
  }
  throw new JsonPathError('unclosed action')
}

/** One `{...}`: paths and quoted texts side by side. */
function parseAction(text: string): Part[] {
  const parts: Part[] = []
  let rest = text
  while (rest) {
    const quoted = /^("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*/.exec(rest)
    if (quoted) {
      parts.push({ type: 'text', text: unquote(quoted[1] as string) })
      rest = rest.slice(quoted[0].length)
      continue
    }
    const end = endOfPath(rest)
    parts.push({ type: 'path', path: parsePath(rest.slice(0, end)) })
    rest = rest.slice(end).trimStart()
  }
  return parts
}

function endOfPath(text: string): number {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '[' || text[i] === '(') depth++
    else if (text[i] === ']' || text[i] === ')') depth--
    else if (depth === 0 && /\s/.test(text[i] as string)) return i
    else if (text[i] === '\\') i++
  }
  return text.length
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }
const unquote = (text: string) => text.slice(1, -1).replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char)

function parsePath(text: string): Path {
  const steps: Step[] = []
  let rest = text
  let fromRoot = false
  if (rest.startsWith('$')) {
    fromRoot = true
    rest = rest.slice(1)
  } else if (rest.startsWith('@')) rest = rest.slice(1)
  if (rest && !/^[.[]/.test(rest)) rest = `.${rest}`
  while (rest) {
    if (rest.startsWith('..')) {
      steps.push({ type: 'descend' })
      rest = rest[2] === '[' ? rest.slice(2) : rest.slice(1)
    } else if (rest.startsWith('.')) {
      const name = /^\.((?:\\.|[^.[\]\s{}()])*)/.exec(rest)
      const field = (name?.[1] ?? '').replace(/\\(.)/g, '$1')
      if (field === '*') steps.push({ type: 'wildcard' })
      else if (field) steps.push({ type: 'field', name: field })
      rest = rest.slice(name?.[0].length ?? 1)
    } else if (rest.startsWith('[')) {
      const end = closingBracket(rest)
      steps.push(parseBracket(rest.slice(1, end).trim()))
      rest = rest.slice(end + 1)
    } else throw new JsonPathError(`unrecognized character in action: ${JSON.stringify(rest[0])}`)
  }
  return { steps, fromRoot }
}

function closingBracket(text: string): number {
  let depth = 0
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    if (quote) quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === '[') depth++
    else if (char === ']' && --depth === 0) return i
  }
  throw new JsonPathError('unterminated array')
}

function parseBracket(inside: string): Step {
  if (inside === '*') return { type: 'wildcard' }
  if (inside.startsWith('?(') && inside.endsWith(')')) return parseFilter(inside.slice(2, -1).trim())
  if (/^["']/.test(inside)) {
    const names = [...inside.matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/g)].map(([, a, b]) => a ?? b ?? '')
    return { type: 'union', names }
  }
  const slice = /^(-?\d+)?(?:(:)(-?\d+)?(?::(-?\d+)?)?)?$/.exec(inside)
  if (slice && inside) {
    const [, from, colon, to, step] = slice
    return {
      type: 'slice',
      single: colon === undefined,
      step: step === undefined ? 1 : Number(step),
      ...(from !== undefined && { from: Number(from) }),
      ...(to !== undefined && { to: Number(to) }),
    }
  }
  if (/^-?\d+(\s*,\s*-?\d+)+$/.test(inside)) return { type: 'union', names: inside.split(',').map(name => name.trim()) }
  throw new JsonPathError(`invalid array index ${inside}`)
}

function parseFilter(text: string): Step {
  const match = /^(.*?)(==|!=|<=|>=|<|>)(.*)$/s.exec(text)
  if (!match) return { type: 'filter', left: operand(text) }
  const [, left = '', operator = '', right = ''] = match
  return { type: 'filter', left: operand(left.trimEnd()), operator, right: operand(right.trimStart()) }
}

function operand(text: string): Operand {
  if (/^["']/.test(text)) return { literal: unquote(text) }
  if (/^-?\d+(\.\d+)?$/.test(text)) return { literal: Number(text) }
  if (text === 'true' || text === 'false') return { literal: text === 'true' }
  return { path: parsePath(text) }
}

/** Fills a template in. Missing keys are empty unless `strict`, then they are a JsonPathError. */
export function evaluateJsonPath(template: Template, root: unknown, { strict = false } = {}): string {
  const render = (parts: Template, current: unknown): string =>
    parts
      .map(part => {
        if (part.type === 'text') return part.text
        const found = select(part.path, root, current, strict)
        if (part.type === 'range') return found.map(item => render(part.body, item)).join('')
        return found.map(show).join(' ')
      })
      .join('')
  return render(template, root)
}

/** The values that a path such as `.status.phase` leads to, for sorting and waiting. */
export function valuesAt(path: string, root: unknown): unknown[] {
  return select(parsePath(path.replace(/^\{|\}$/g, '')), root, root, false)
}

const show = (value: unknown): string => (value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value))

function select(path: Path, root: unknown, current: unknown, strict: boolean): unknown[] {
  let found: unknown[] = [path.fromRoot ? root : current]
  for (const step of path.steps) found = found.flatMap(value => take(step, value, root, strict))
  return found
}

function take(step: Step, value: unknown, root: unknown, strict: boolean): unknown[] {
  switch (step.type) {
    case 'field':
      return lookUp(value, step.name, strict)
    case 'union':
      return step.names.flatMap(name => lookUp(value, name, strict))
    case 'wildcard':
      return typeof value === 'object' && value !== null ? Object.values(value) : []
    case 'descend':
      return everything(value)
    case 'slice':
      return slice(step, value, strict)
    case 'filter':
      return (Array.isArray(value) ? value : [value]).filter(item => passes(step, item, root))
  }
}

function lookUp(value: unknown, name: string, strict: boolean): unknown[] {
  if (Array.isArray(value) && /^-?\d+$/.test(name))
    return slice({ type: 'slice', from: Number(name), step: 1, single: true }, value, strict)
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, name)) return [(value as Record<string, unknown>)[name]]
  if (strict) throw new JsonPathError(`${name} is not found`)
  return []
}

function everything(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(everything)]
}

function slice(step: Step & { type: 'slice' }, value: unknown, strict: boolean): unknown[] {
  if (!Array.isArray(value)) return []
  const index = (i: number) => (i < 0 ? i + value.length : i)
  if (step.single) {
    const i = index(step.from ?? 0)
    if (i >= 0 && i < value.length) return [value[i]]
    if (strict) throw new JsonPathError(`array index out of bounds: index ${step.from ?? 0}, length ${value.length}`)
    return []
  }
  const chosen = value.slice(index(step.from ?? 0), index(step.to ?? value.length))
  return chosen.filter((_, i) => i % Math.max(1, step.step) === 0)
}

function passes(step: Step & { type: 'filter' }, item: unknown, root: unknown): boolean {
  const resolve = (side: Operand): unknown => ('literal' in side ? side.literal : select(side.path, root, item, false)[0])
  const left = resolve(step.left)
  if (!step.operator || !step.right) return left !== undefined
  const right = resolve(step.right)
  if (left === undefined) return false
  switch (step.operator) {
    case '==':
      return left === right
    case '!=':
      return left !== right
    case '<':
      return (left as number) < (right as number)
    case '>':
      return (left as number) > (right as number)
    case '<=':
      return (left as number) <= (right as number)
    default:
      return (left as number) >= (right as number)
  }
}

/** What a path leads to in a value. */
export type JsonPathReader = (root: unknown) => unknown[]

/** As `valuesAt`, for a path that is used often. Throws a JsonPathError if it is none. */
export function readerOf(path: string): JsonPathReader {
  const parsed = parsePath(path.replace(/^\{|\}$/g, ''))
  return root => select(parsed, root, root, false)
}
