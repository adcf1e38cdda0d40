import type * as z from 'zod'
import { column } from '../columns.ts'
import { type Column, defineKind, type ObjectOf } from '../kind.ts'
import { choice, listMap, named, requiredText, text } from '../schema.ts'

const ComponentCondition = named(
  'core/v1.ComponentCondition',
  "An aspect of a component's state.",
  () => ({
    type: requiredText('Healthy.'),
    status: choice('True', 'False', 'Unknown')
      .default('' as 'Unknown')
      .describe('Whether it holds.'),
    message: text('What the component says.'),
    error: text('Why it could not be asked.'),
  }),
  { wire: 'type status message error' },
)
export type ComponentCondition = z.output<typeof ComponentCondition>

interface ComponentParts {
  readonly conditions?: readonly ComponentCondition[]
}

const healthOf = ({ conditions = [] }: ComponentParts) => conditions.find(({ type }) => type === 'Healthy')
const words: Record<string, string> = { True: 'Healthy', False: 'Unhealthy', Unknown: 'Unhealthy' }

const columns: Column<ComponentParts>[] = [
  column('Status', 'Whether it is healthy.', object => words[healthOf(object)?.status ?? ''] ?? 'Unknown'),
  column('Message', 'What it says.', object => healthOf(object)?.message ?? ''),
  column('Error', 'Why it could not be asked.', object => healthOf(object)?.error ?? ''),
]

/** Whether a part of the control plane is healthy. Made when asked for. */
export const ComponentStatus = defineKind({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  shortNames: ['cs'],
  namespaced: false,
  verbs: ['get', 'list'],
  deprecationWarning: 'v1 ComponentStatus is deprecated in v1.19+',
  description: 'Whether a part of the control plane is healthy. Out of use upstream; health endpoints took its place.',
  wire: 'metadata conditions',
  fields: () => ({ conditions: listMap(ComponentCondition, 'type').optional().describe('Whether it is healthy.') }),
  columns,
})
export type ComponentStatus = ObjectOf<typeof ComponentStatus>
