import { type FieldError, fieldError } from '../field-errors.ts'
import { conditionFields } from '../meta.ts'
import { listMap, named } from '../schema.ts'

/** The status of both kinds: conditions and nothing else. */
export const statusOf = (kind: 'FlowSchema' | 'PriorityLevelConfiguration') =>
  named(
    `flowcontrol/v1.${kind}Status`,
    'How it is.',
    () => ({
      conditions: listMap(
        named(`flowcontrol/v1.${kind}Condition`, 'An aspect of its state.', () => conditionFields, {
          wire: 'type status lastTransitionTime reason message',
        }),
        'type',
      )
        .optional()
        .describe('Aspects of its state.'),
    }),
    { wire: 'conditions' },
  )

/** Each type of condition stands there once. */
export function validateConditions(conditions: readonly { readonly type: string }[] = []): FieldError[] {
  const seen = new Set<string>()
  return conditions.flatMap(({ type }, i) => {
    const field = `status.conditions[${i}].type`
    const errors = seen.has(type) ? [fieldError.duplicate(field, type)] : []
    seen.add(type)
    return type === '' ? [...errors, fieldError.required(field)] : errors
  })
}
