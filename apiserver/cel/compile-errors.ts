import type { Node } from './syntax.ts'

/** What the library says about a fault. */
export interface Fault {
  readonly code?: string
  readonly summary?: string
  readonly message: string
  readonly node?: Node
  readonly range?: { readonly start: number }
}

/** A fault in the words and the shape of cel-go: `ERROR: <input>:1:5: ...` with the line and a mark under the place. */
export function compileError(expression: string, fault: Fault, isFunction: (name: string) => boolean): string {
  const { at, message } = describe(expression, fault, isFunction)
  const before = expression.slice(0, at)
  const lineNumber = before.split('\n').length
  const column = before.length - (before.lastIndexOf('\n') + 1)
  const line = expression.split('\n')[lineNumber - 1] ?? ''
  return `ERROR: <input>:${lineNumber}:${column + 1}: ${message}\n | ${line}\n | ${'.'.repeat(column)}^`
}

function describe(expression: string, fault: Fault, isFunction: (name: string) => boolean): { at: number; message: string } {
  const { code, node } = fault
  const summary = withoutPrivateNames(fault.summary ?? fault.message)
  const at = node?.range?.start ?? node?.start ?? fault.range?.start ?? 0
  const dot = (node && 'pos' in node ? expression.lastIndexOf('.', node.pos) : -1) as number
  const quoted = /'([^']*)'|: (\S+)$/.exec(summary)
  switch (code) {
    case 'unknown_variable':
      return { at, message: undeclared(quoted?.[2] ?? '') }
    case 'reserved_identifier':
      return { at, message: `Syntax error: reserved identifier: ${quoted?.[2] ?? ''}` }
    case 'no_such_key':
      return { at: dot >= 0 ? dot : at, message: `undefined field '${quoted?.[2] ?? ''}'` }
    case 'no_such_overload':
      return operatorFault(expression, summary, node, at)
    case 'no_matching_overload':
      return callFault(expression, summary, node, at, isFunction)
    case 'invalid_condition_type':
    case 'invalid_logical_operand':
      return { at, message: `expected type 'bool' but found '${/got '([^']*)'/.exec(summary)?.[1] ?? 'dyn'}'` }
    case 'cannot_index_type':
      return { at: dot >= 0 ? dot : at, message: `type '${quoted?.[1] ?? ''}' does not support field selection` }
    case 'heterogeneous_list_element':
    case 'heterogeneous_map_key':
    case 'heterogeneous_map_value':
      return { at: node?.start ?? at, message: summary.replace(/^.*?,/, '').trim() }
    case 'invalid_comprehension_range':
      return { at, message: summary.replace(/^Expression/, 'expression') }
    case undefined:
    default:
      return { at, message: otherFault(code, summary) }
  }
}

/** What has no words of its own is a fault of syntax, unless its code speaks of types. */
function otherFault(code: string | undefined, summary: string): string {
  const isSyntax = !code || !/type|argument|operand/.test(code)
  return isSyntax ? `Syntax error: ${summary.charAt(0).toLowerCase()}${summary.slice(1)}` : summary
}

const undeclared = (name: string) => `undeclared reference to '${name}' (in container '')`

/** Functions that take the place of the library's own go by their proper names. */
const withoutPrivateNames = (text: string) =>
  text
    .replace(/\bre2matches\b/g, 'matches')
    .replace(/\basciiLower\b/g, 'lowerAscii')
    .replace(/\basciiUpper\b/g, 'upperAscii')

function operatorFault(expression: string, summary: string, node: Node | undefined, start: number) {
  const [, left, operator = '', right] = /^no such overload: (\S+(?:, [^ ]+>)?) (\S+) (.*)$/.exec(summary) ?? []
  if (left === undefined) {
    const [, sign = '', type = ''] = /^no such overload: ([-!])(.*)$/.exec(summary) ?? []
    return { at: start, message: `found no matching overload for '${sign}_' applied to '(${type})'` }
  }
  const args = node?.args as readonly Node[] | undefined
  const from = args?.[0] && 'end' in args[0] ? (args[0].end as number) : start
  const found = expression.indexOf(operator, from)
  const name = operator === 'in' ? '@in' : `_${operator}_`
  return { at: found >= 0 ? found : start, message: `found no matching overload for '${name}' applied to '(${left}, ${right})'` }
}

function callFault(
  expression: string,
  summary: string,
  node: Node | undefined,
  start: number,
  isFunction: (name: string) => boolean,
) {
  const [, receiver, name = '', args = ''] = /for '(?:(.*)\.)?(\w+)\((.*)\)'$/.exec(summary) ?? []
  const opened = expression.indexOf('(', receiver === undefined ? start : expression.indexOf(`.${name}`, start))
  const at = opened >= 0 ? opened : (node?.start ?? start)
  if (!isFunction(name)) return { at, message: undeclared(name) }
  const applied = receiver === undefined ? `(${args})` : `${receiver}.(${args})`
  return { at, message: `found no matching overload for '${name}' applied to '${applied}'` }
}

/** What went wrong in an evaluation, in cel-go's words. */
export function evaluationError({ code, summary, message }: Fault): string {
  const text = withoutPrivateNames(summary ?? message)
  switch (code) {
    case 'no_such_key':
      return text.replace(/^No such key/, 'no such key')
    case 'index_out_of_bounds':
      return `index out of bounds: ${/index (-?\d+)/.exec(text)?.[1] ?? ''}`
    case 'no_such_overload':
    case 'no_matching_overload':
    case 'invalid_condition_type':
    case 'invalid_logical_operand':
      return 'no such overload'
    case 'modulo_by_zero':
      return 'modulus by zero'
    case 'unknown_variable':
      return `no such attribute(s): ${/: (\S+)$/.exec(text)?.[1] ?? ''}`
    case 'optional_value_missing':
      return 'optional.none() dereference'
    case undefined:
    default:
      return text
  }
}
