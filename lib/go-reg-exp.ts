/** What stands between the brackets of a class, by the POSIX name that RE2 knows it by. */
export const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}

/**
 * A regular expression as Go writes it (RE2 syntax), for `test`: flags in front, `\A` and `\z`, named groups and POSIX classes
 * are translated. Throws a SyntaxError if it is none.
 */
export function goRegExp(pattern: string): RegExp {
  const [, letters = '', rest = pattern] = /^\(\?([ims]+)\)([\s\S]*)$/.exec(pattern) ?? []
  const source = rest
    .replace(/\[:(\^?)([a-z]+):\]/g, (whole, not: string, name: string) => (not ? whole : (posixClasses[name] ?? whole)))
    .replace(/\(\?P</g, '(?<')
    .replace(/((?:^|[^\\])(?:\\\\)*)\\A/g, '$1^')
    .replace(/((?:^|[^\\])(?:\\\\)*)\\z/g, '$1$(?![\\s\\S])')
    .replace(/\\p([A-Z])/g, '\\p{$1}')
  const flags = [...new Set(letters)].join('')
  try {
    return new RegExp(source, `${flags}u`)
  } catch {
    return new RegExp(source, flags) // with `u`, JavaScript refuses escapes that Go allows
  }
}
