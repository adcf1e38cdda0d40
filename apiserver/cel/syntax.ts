import type { ASTNode, TypeDeclaration } from '@marcbachmann/cel-js'

/** A node of an expression as the library really has it; its types leave out what macros need. */
export type Node = ASTNode & {
  readonly meta: { evaluate: Evaluate; readonly alternate?: Node; readonly macro?: object }
  setMeta(key: string, value: unknown): Node
  clone(operation: { name: string; check: unknown; evaluate: unknown }, args: unknown): Node
}

/** How a node comes to its value. */
export type Evaluate = (evaluator: Evaluator, node: Node, scope: Scope) => unknown

/** What runs an expression. */
export interface Evaluator {
  run(node: Node, scope: Scope): unknown
}

/** What finds the types of an expression. */
export interface Checker {
  check(node: Node, scope: Scope): TypeDeclaration
  getType(name: string): TypeDeclaration
  createError(code: string, message: string, node: Node): Error
}

/** The variables in sight. A scope made by `forkWithVariable` is filled anew by `reuse` and `setIterValue`. */
export interface Scope {
  forkWithVariable(name: string, type: TypeDeclaration): Scope
  reuse(parent: Scope): Scope
  setIterValue(value: unknown, evaluator: Evaluator): Scope
}

/** What the library calls when it parses `receiver.macro(args)`. */
export interface MacroCall {
  readonly ast: Node
  readonly args: readonly Node[]
  readonly receiver: Node
}

/** What a macro answers. */
export interface Macro {
  readonly async: false
  typeCheck(checker: Checker, macro: Macro, scope: Scope): TypeDeclaration
  evaluate(evaluator: Evaluator, macro: Macro, scope: Scope): unknown
}

/** Calls back for every node of an expression, what macros hold included. */
export function visitNodes(root: Node, visit: (node: Node) => void): void {
  const seen = new Set<object>()
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    if (Array.isArray(value)) return value.forEach(walk)
    if (isNode(value)) {
      visit(value)
      walk(value.meta.alternate)
      walk(value.meta.macro)
      walk(value.args)
    } else if (value.constructor === Object) Object.values(value).forEach(walk)
  }
  walk(root)
}

const isNode = (value: object): value is Node => 'op' in value && 'meta' in value && 'args' in value

/** The name that a node is; undefined if it is something else. */
export const identifierOf = (node: Node | undefined): string | undefined =>
  node?.op === 'id' ? (node.args as string) : undefined
