import { createdAt } from '../api/columns.ts'
import { ageOf } from '../api/duration.ts'
import type { AnyKind, Column, RowCondition } from '../api/kind.ts'
import type { KubeObject, Target } from '../api/transport.ts'
import type { KindTable } from './kind-table.ts'

/** One column of a Table, as clients get it. */
export interface ColumnDefinition {
  readonly name: string
  readonly type: string
  readonly format: string
  readonly description: string
  readonly priority: number
}

/** How the objects of one resource become the rows of a meta.k8s.io Table. All cells are always there, wide ones too. */
export interface TableMaker {
  readonly columns: readonly ColumnDefinition[]
  /** `nowInMs` is what ages are counted from. */
  cells(object: KubeObject, nowInMs: number): readonly unknown[]
  /** What is to be said about a row as a whole (Completed pods). */
  conditions?(object: KubeObject): readonly RowCondition[] | undefined
}

const nameColumn: Column<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'What the object is called, within its namespace if it has one.',
  priority: 0,
  value: ({ metadata }) => metadata.name,
}

interface ScaleLike extends KubeObject {
  readonly spec: { readonly replicas: number }
  readonly status: { readonly replicas: number }
}

const integer = (name: string, description: string, value: (scale: ScaleLike) => number): Column<ScaleLike> => ({
  name,
  type: 'integer',
  description,
  priority: 0,
  value,
})

const scaleColumns: readonly Column<ScaleLike>[] = [
  nameColumn as Column<ScaleLike>,
  integer('Desired', 'How many there should be.', ({ spec }) => spec.replicas),
  integer('Available', 'How many there are.', ({ status }) => status.replicas),
  {
    name: 'Age',
    type: 'string',
    description: 'How long ago it was created.',
    priority: 0,
    value: ({ metadata }, now) => ageOf(metadata.creationTimestamp, now),
  },
]

/** The table maker of a resource, or of a subresource that answers the object or its scale; undefined: it cannot be a table. */
export function tableMakers(kinds: KindTable): (target: Target) => TableMaker | undefined {
  const made = new WeakMap<AnyKind, TableMaker>()
  const scale = maker(scaleColumns as readonly Column<KubeObject>[])
  return ({ group, version, resource, subresource }) => {
    const kind = kinds.byResource(group, version, resource)
    if (!kind || !isShown(kind) || answersOther.has(subresource ?? '')) return undefined
    if (subresource === 'scale') return scale
    let known = made.get(kind)
    if (!known) made.set(kind, (known = makerOf(kind)))
    return known
  }
}

/** What is only ever asked, and never looked up, is no table (reviews). */
const isShown = ({ verbs }: AnyKind) => verbs.includes('get') || verbs.includes('list')

/** Subresources that answer neither the object nor its scale. */
const answersOther = new Set(['binding', 'eviction', 'token'])

function makerOf(kind: AnyKind): TableMaker {
  const { rowName, rowConditions } = kind
  const own = (kind.columns.length > 0 ? kind.columns : [createdAt]) as readonly Column<KubeObject>[]
  const name = rowName ? { ...nameColumn, value: rowName as Column<KubeObject>['value'] } : nameColumn
  const made = maker(rowName === false ? own : [name, ...own])
  return rowConditions ? { ...made, conditions: rowConditions } : made
}

function maker(columns: readonly Column<KubeObject>[]): TableMaker {
  return {
    columns: columns.map(({ name, type, format = '', description, priority }) => ({ name, type, format, description, priority })),
    cells: (object, now) => columns.map(({ value }) => value(object, now)),
  }
}
