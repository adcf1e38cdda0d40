import { canonicalElement, compareElements, type PathElement, self } from './path-element.ts'

/**
 * A set of fields of an object, in the very form that managedFields keep it in (FieldsV1): a tree of steps. An empty node is a
 * field that belongs to the set; one with steps below belongs to it if it has the mark `.` as well. Sets are values: nothing here
 * changes one, and results share what they can with their arguments.
 *
 *     { 'f:spec': { 'f:replicas': {}, 'f:template': { '.': {}, 'f:metadata': {} } } }
 *
 * (sigs.k8s.io/structured-merge-diff, fieldpath/set.go)
 */
export interface FieldSet {
  readonly [element: PathElement]: FieldSet
}

/** The steps from the top of an object to a field. */
export type Path = readonly PathElement[]

/** A set under construction. */
export interface FieldTree {
  [element: PathElement]: FieldTree
}

/** No field at all. */
export const emptySet: FieldSet = Object.freeze({})
const leaf: FieldSet = emptySet
const mark = { [self]: leaf }

/** Whether there is nothing in it. */
export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false
  return true
}

/** Whether a node is itself a field of the set. */
const isMember = (node: FieldSet) => node[self] !== undefined || isEmptySet(node)

/** A node from what is below it; undefined: nothing is left of it. */
function nodeOf(below: FieldSet | undefined, isField: boolean): FieldSet | undefined {
  if (below === undefined) return isField ? leaf : undefined
  return isField ? { ...mark, ...below } : below
}

/** Adds a field while a set is being made. The empty path is the object itself, which nobody owns. */
export function insert(tree: FieldTree, path: Path): void {
  const last = path.length - 1
  let node = tree
  for (let depth = 0; depth < last; depth++) {
    const element = path[depth] as PathElement
    const next = node[element]
    if (next === undefined) node = node[element] = {}
    else {
      if (isEmptySet(next)) next[self] = {}
      node = next
    }
  }
  const element = path[last]
  if (element === undefined) return
  const existing = node[element]
  if (existing === undefined) node[element] = {}
  else if (!isMember(existing)) existing[self] = {}
}

/** Puts a whole node where there is none yet. */
export function attach(tree: FieldTree, path: Path, node: FieldSet): void {
  let parent = tree
  for (const element of path.slice(0, -1)) parent = parent[element] ??= {}
  const last = path.at(-1)
  if (last !== undefined) parent[last] = node as FieldTree
  else Object.assign(tree, node)
}

/** A set of just these fields. */
export function setOf(...paths: readonly Path[]): FieldSet {
  const tree: FieldTree = {}
  for (const path of paths) insert(tree, path)
  return tree
}

/** Fields of either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a
  if (isEmptySet(a)) return b
  const result: FieldTree = { ...a } as FieldTree
  for (const element in b) {
    const left = a[element]
    const right = b[element] as FieldSet
    result[element] = (left === undefined ? right : unionOfNodes(left, right)) as FieldTree
  }
  return result
}

function unionOfNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a
  if (isEmptySet(a)) return isMember(b) ? b : { ...mark, ...b }
  if (isEmptySet(b)) return isMember(a) ? a : { ...mark, ...a }
  return union(a, b)
}

type Combine = (a: FieldSet, b: FieldSet | undefined) => FieldSet | undefined

/** The nodes of `a`, each combined with its counterpart; what comes out empty is left out. */
function combine(a: FieldSet, b: FieldSet, keeps: Combine): FieldSet | undefined {
  let result: FieldTree | undefined
  for (const element in a) {
    if (element === self) continue
    const kept = keeps(a[element] as FieldSet, b[element])
    if (kept !== undefined) (result ??= {})[element] = kept as FieldTree
  }
  return result
}

/** Fields of both. */
export const intersection = (a: FieldSet, b: FieldSet): FieldSet => combine(a, b, commonNode) ?? emptySet

const commonNode: Combine = (a, b) => {
  if (b === undefined) return undefined
  return nodeOf(combine(a, b, commonNode), isMember(a) && isMember(b))
}

/** Fields of `a` that are not in `b`. That a parent is in `b` takes nothing away below it. */
export const difference = (a: FieldSet, b: FieldSet): FieldSet => (isEmptySet(b) ? a : (combine(a, b, remainingNode) ?? emptySet))

const remainingNode: Combine = (a, b) => {
  if (b === undefined) return a
  return nodeOf(combine(a, b, remainingNode), isMember(a) && !isMember(b))
}

/** As `difference`, but a field in `b` takes away everything below it too. */
export const withoutTrees = (a: FieldSet, b: FieldSet): FieldSet =>
  isEmptySet(b) ? a : (combine(a, b, remainingTree) ?? emptySet)

const remainingTree: Combine = (a, b) => {
  if (b === undefined) return a
  if (isMember(b)) return undefined
  return nodeOf(combine(a, b, remainingTree), isMember(a))
}

/** Whether a step below the root is itself a field of the set. */
export function hasElement(set: FieldSet, element: PathElement): boolean {
  const node = set[element]
  return node !== undefined && isMember(node)
}

/** What lies below a step; empty if nothing does. */
export const below = (set: FieldSet, element: PathElement): FieldSet => set[element] ?? emptySet

/** Whether a field is in the set. */
export function hasPath(set: FieldSet, path: Path): boolean {
  let node: FieldSet | undefined = set
  for (const element of path) node = node?.[element]
  return path.length > 0 && node !== undefined && isMember(node)
}

/** Every field, those of a node before those below it, in order. */
export function pathsOf(set: FieldSet): Path[] {
  const found: Path[] = []
  const visit = (node: FieldSet, path: Path) => {
    const elements = Object.keys(node).filter(element => element !== self)
    elements.sort(compareElements)
    for (const element of elements) if (isMember(node[element] as FieldSet)) found.push([...path, element])
    for (const element of elements) visit(node[element] as FieldSet, [...path, element])
  }
  visit(set, [])
  return found
}

/** The same set with everything in the order in which it is written. */
export function sorted(set: FieldSet): FieldSet {
  if (isEmptySet(set)) return emptySet
  const result: FieldTree = {}
  if (set[self] !== undefined) result[self] = emptySet as FieldTree
  const elements = Object.keys(set).filter(element => element !== self)
  if (elements.length > 1) elements.sort(compareElements)
  for (const element of elements) result[element] = sorted(set[element] as FieldSet) as FieldTree
  return result
}

/** A set as a client wrote it: steps in their one spelling, steps of unknown kinds left out. Throws what is wrong with it. */
export function parseSet(given: unknown): FieldSet {
  const result: FieldTree = {}
  if (given === null || given === undefined) return result
  if (typeof given !== 'object' || Array.isArray(given)) throw new Error('a set of fields is an object')
  for (const [text, node] of Object.entries(given)) {
    if (text === self) {
      result[self] = {}
      continue
    }
    const element = canonicalElement(text)
    if (element !== undefined) result[element] = parseSet(node) as FieldTree
  }
  if (Object.keys(result).length === 1) delete result[self] // alone, the mark says nothing that an empty node does not
  return result
}
