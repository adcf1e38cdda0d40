import { describeSelector, type LabelSelectorObject } from '../selectors.ts'

interface Policy {
  readonly spec: {
    readonly paramKind?: { readonly apiVersion?: string | undefined; readonly kind?: string | undefined } | undefined
  }
}

/** The kind of a policy's parameters. */
export const paramKindColumn = {
  name: 'ParamKind',
  description: 'The kind of its parameters.',
  value: ({ spec: { paramKind } }: Policy) => (paramKind ? `${paramKind.apiVersion}/${paramKind.kind}` : '<unset>'),
} as const

interface Binding {
  readonly spec: {
    readonly policyName?: string | undefined
    readonly paramRef?:
      | {
          readonly name?: string | undefined
          readonly namespace?: string | undefined
          readonly selector?: LabelSelectorObject | undefined
        }
      | undefined
  }
}

/** Which policy is bound, and to which parameters. */
export const bindingColumns = [
  {
    name: 'PolicyName',
    description: 'The policy that is put to work.',
    value: ({ spec }: Binding) => spec.policyName ?? '',
  },
  {
    name: 'ParamRef',
    description: 'The parameters it works with.',
    value({ spec: { paramRef } }: Binding) {
      if (!paramRef) return '<unset>'
      if (paramRef.name) return `${paramRef.namespace || '*'}/${paramRef.name}`
      return paramRef.selector ? describeSelector(paramRef.selector) : '<unset>'
    },
  },
] as const
