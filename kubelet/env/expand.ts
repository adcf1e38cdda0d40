/**
 * Replaces `$(NAME)` by what `lookup` knows; an unknown name stays as written, `$$` is a plain `$`, and a `$` that starts
 * neither stays (semantics C13, third_party/forked/golang/expansion).
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes('$')) return text
  let result = ''
  let at = 0
  for (;;) {
    const dollar = text.indexOf('$', at)
    if (dollar < 0) return result + text.slice(at)
    result += text.slice(at, dollar)
    const next = text[dollar + 1]
    const close = next === '(' ? text.indexOf(')', dollar) : -1
    if (close > 0) {
      const name = text.slice(dollar + 2, close)
      result += lookup(name) ?? `$(${name})`
      at = close + 1
    } else {
      result += '$'
      at = dollar + (next === '$' ? 2 : 1)
    }
  }
}
