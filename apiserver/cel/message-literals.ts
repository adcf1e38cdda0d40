/**
 * What CEL can write and the library cannot read, as calls of functions: `Object.spec{a: 1}` becomes
 * `newObject("Object.spec", {"a": dyn(1)})`, and entries that are optional (`{?"a": x}`, `[?x]`) become lists of triples and pairs.
 * Lengths change, so positions in errors are off behind such a literal.
 */
export function expandLiterals(expression: string): string {
  if (!/[\w.]\s*\{|[{[,]\s*\?/.test(expression)) return expression
  return expand(expression)
}

const longestName = 300
const typeName = /[A-Za-z_][\w]*(?:\s*\.\s*[A-Za-z_][\w]*)*\s*$/

function expand(text: string): string {
  let result = ''
  for (let at = 0; at < text.length; ) {
    const char = text[at] ?? ''
    const skipped = skipLiteral(text, at)
    if (skipped > at) {
      result += text.slice(at, skipped)
      at = skipped
    } else if (char === '{' || char === '[') {
      const end = closing(text, at)
      const entries = split(text.slice(at + 1, end), ',').filter(entry => entry.trim() !== '')
      const type = char === '{' ? (typeName.exec(result.slice(-longestName))?.[0] ?? '') : ''
      const isIndex = char === '[' && /[\w)\]]$/.test(result.trimEnd().slice(-1))
      result = isIndex
        ? `${result}[${expand(text.slice(at + 1, end))}]`
        : result.slice(0, result.length - type.length) + literal(char, type.replace(/\s/g, ''), entries)
      at = end + 1
    } else {
      result += char
      at++
    }
  }
  return result
}

function literal(open: string, type: string, entries: readonly string[]): string {
  const parts = entries.map(entry => entry.trim())
  const isOptional = parts.some(part => part.startsWith('?'))
  if (open === '[') {
    if (!isOptional) return `[${parts.map(expand).join(', ')}]`
    return `optionalList([${parts.map(part => `[dyn(${part.startsWith('?')}), dyn(${expand(part.replace(/^\?/, ''))})]`).join(', ')}])`
  }
  const fields = parts.map(part => {
    const [key = '', ...value] = split(part.replace(/^\?/, ''), ':')
    return {
      isOptional: part.startsWith('?'),
      key: type ? JSON.stringify(key.trim()) : expand(key.trim()),
      value: expand(value.join(':').trim()),
    }
  })
  const map = isOptional
    ? `optionalMap([${fields.map(({ isOptional, key, value }) => `[dyn(${isOptional}), dyn(${key}), dyn(${value})]`).join(', ')}])`
    : `{${fields.map(({ key, value }) => (type ? `${key}: dyn(${value})` : `${key}: ${value}`)).join(', ')}}`
  return type ? `newObject(${JSON.stringify(type)}, ${map})` : map
}

/** Behind the text literal or comment that starts here; the same position when none does. */
function skipLiteral(text: string, at: number): number {
  if (text.startsWith('//', at)) {
    const end = text.indexOf('\n', at)
    return end < 0 ? text.length : end
  }
  const quote = /^(?:"""|'''|"|')/.exec(text.slice(at, at + 3))?.[0]
  if (!quote) return at
  const isRaw =
    /[rR][bB]?$/.test(text.slice(Math.max(0, at - 2), at)) && !/\w[rR][bB]?$/.test(text.slice(Math.max(0, at - 3), at))
  for (let end = at + quote.length; end < text.length; end++) {
    if (text[end] === '\\' && !isRaw) end++
    else if (text.startsWith(quote, end)) return end + quote.length
  }
  return text.length
}

const closers: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')' }

/** The position of the bracket that closes the one here; the end when none does. */
function closing(text: string, open: number): number {
  const expected: string[] = []
  for (let at = open; at < text.length; ) {
    const skipped = skipLiteral(text, at)
    if (skipped > at) {
      at = skipped
      continue
    }
    const char = text[at] ?? ''
    const closer = closers[char]
    if (closer) expected.push(closer)
    else if (char === expected.at(-1)) {
      expected.pop()
      if (expected.length === 0) return at
    }
    at++
  }
  return text.length
}

/** Splits outside of brackets and text literals. */
function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  for (let at = 0; at < text.length; ) {
    const char = text[at] ?? ''
    const skipped = skipLiteral(text, at)
    if (skipped > at) at = skipped
    else if (closers[char]) at = closing(text, at) + 1
    else {
      if (char === separator) {
        parts.push(text.slice(start, at))
        start = at + 1
      }
      at++
    }
  }
  return [...parts, text.slice(start)]
}
