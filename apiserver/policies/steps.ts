import type { AdmissionContext, AdmissionStep, Attempt } from '../admission.ts'
import { isExempt } from '../webhooks/matching.ts'
import type { Composition } from './expressions.ts'
import { keptFor, type PolicyContext } from './matching.ts'
import type { Mutations } from './mutating.ts'
import type { Policies } from './validating.ts'

export interface PolicyOptions extends Pick<PolicyContext, 'equivalents' | 'authorizer' | 'kinds'> {
  /** Policies with the bindings that put them to work, by name. */
  readonly mutating: () => Mutations
  readonly validating: () => Policies
}

/** The two steps that apply policies. What they are made of is loaded when there is a first policy. */
export function policySteps({ mutating, validating, ...options }: PolicyOptions): {
  mutating: AdmissionStep
  validating: AdmissionStep
} {
  const compositions = keptFor<Composition>()
  const contextOf = ({ access }: AdmissionContext): PolicyContext => ({ ...options, access, compositions })

  async function mutate(attempt: Attempt, context: AdmissionContext): Promise<void> {
    const { mutate } = await import('./mutating.ts')
    await mutate(attempt, mutating(), contextOf(context))
  }
  async function validate(attempt: Attempt, context: AdmissionContext): Promise<void> {
    const { validate } = await import('./validating.ts')
    await validate(attempt, validating(), contextOf(context))
  }

  return {
    mutating: {
      name: 'MutatingAdmissionPolicy',
      operations: ['CREATE', 'UPDATE'],
      subresources: 'all',
      admit: (attempt, context) => (mutating().length === 0 || isExempt(attempt.kind) ? undefined : mutate(attempt, context)),
    },
    validating: {
      name: 'ValidatingAdmissionPolicy',
      operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
      subresources: 'all',
      check: (attempt, context) => (validating().length === 0 || isExempt(attempt.kind) ? undefined : validate(attempt, context)),
    },
  }
}
