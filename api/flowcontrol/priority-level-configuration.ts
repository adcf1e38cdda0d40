import type * as z from 'zod'
import { deepEqual } from '../../lib/json.ts'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { int32, named, plain, requiredText } from '../schema.ts'
import { mandatoryPriorityLevels } from './bootstrap-objects.ts'
import { statusOf, validateConditions } from './conditions.ts'

const LimitedPriorityLevelConfiguration = named(
  'flowcontrol/v1.LimitedPriorityLevelConfiguration',
  'How many requests are served at a time, and what becomes of the rest.',
  () => ({
    nominalConcurrencyShares: int32().default(30).describe('Its part of all the requests served at a time.'),
    limitResponse: named(
      'flowcontrol/v1.LimitResponse',
      'What becomes of requests that cannot be served now.',
      () => ({
        type: requiredText('Queue or Reject.'),
        queuing: named(
          'flowcontrol/v1.QueuingConfiguration',
          'How requests wait.',
          () => ({
            queues: plain(int32().default(64)).describe('How many queues there are.'),
            handSize: plain(int32().default(8)).describe('How many queues a flow may use.'),
            queueLengthLimit: plain(int32().default(50)).describe('How many requests wait in one queue.'),
          }),
          { wire: 'queues handSize queueLengthLimit' },
        )
          .optional()
          .describe('How requests wait, if they do.'),
      }),
      { wire: 'type queuing' },
    )
      .prefault({})
      .describe('What becomes of requests that cannot be served now.'),
    lendablePercent: int32().default(0).describe('How much of its part others may borrow.'),
    borrowingLimitPercent: int32().optional().describe('How much it may borrow; absent: whatever there is.'),
  }),
  { wire: 'nominalConcurrencyShares limitResponse lendablePercent borrowingLimitPercent' },
)

const ExemptPriorityLevelConfiguration = named(
  'flowcontrol/v1.ExemptPriorityLevelConfiguration',
  'Requests that never wait.',
  () => ({
    nominalConcurrencyShares: int32().default(0).describe('Its part of all the requests served at a time.'),
    lendablePercent: int32().default(0).describe('How much of its part others may borrow.'),
  }),
  { wire: 'nominalConcurrencyShares lendablePercent' },
)

const PriorityLevelConfigurationSpec = named(
  'flowcontrol/v1.PriorityLevelConfigurationSpec',
  'How requests of a level are served.',
  () => ({
    type: requiredText('Exempt or Limited.'),
    limited: LimitedPriorityLevelConfiguration.optional().describe('For Limited: how many, and what becomes of the rest.'),
    exempt: ExemptPriorityLevelConfiguration.optional().describe('For Exempt: what others may borrow.'),
  }),
  { wire: 'type limited exempt' },
)
type Spec = z.output<typeof PriorityLevelConfigurationSpec>
type Limited = z.output<typeof LimitedPriorityLevelConfiguration>

const notNegative = 'must be a non-negative integer'

function validateShares(shares: number, lendable: number, at: string): FieldError[] {
  const errors: FieldError[] = []
  if (shares < 0) errors.push(fieldError.invalid(`${at}.nominalConcurrencyShares`, shares, notNegative))
  if (lendable < 0 || lendable > 100) {
    errors.push(fieldError.invalid(`${at}.lendablePercent`, lendable, 'must be between 0 and 100, inclusive'))
  }
  return errors
}

function validateLimited({ nominalConcurrencyShares, lendablePercent, borrowingLimitPercent = 0, limitResponse }: Limited) {
  const at = 'spec.limited'
  const errors = validateShares(nominalConcurrencyShares, lendablePercent, at)
  if (borrowingLimitPercent < 0) {
    const why = `if specified, ${notNegative}`
    errors.push(fieldError.invalid(`${at}.borrowingLimitPercent`, borrowingLimitPercent, why))
  }
  const { type, queuing } = limitResponse
  const field = `${at}.limitResponse.queuing`
  if (type === 'Reject') {
    // Upstream says "Limited" where it means "Queue", twice.
    if (queuing) errors.push(fieldError.forbidden(field, 'must be nil if limited.limitResponse.type is not Limited'))
  } else if (type === 'Queue') {
    if (queuing) errors.push(...validateQueuing(queuing, field))
    else errors.push(fieldError.required(field, 'must not be empty if limited.limitResponse.type is Limited'))
  } else errors.push(fieldError.notSupported(`${at}.limitResponse.type`, type, ['Queue', 'Reject']))
  return errors
}

type Queuing = NonNullable<Limited['limitResponse']['queuing']>

const mostQueues = 10_000_000
const hashBits = 60

function validateQueuing({ queues, handSize, queueLengthLimit }: Queuing, at: string): FieldError[] {
  const errors: FieldError[] = []
  const invalid = (field: keyof Queuing, value: number, why: string) =>
    errors.push(fieldError.invalid(`${at}.${field}`, value, why))
  if (queueLengthLimit <= 0) invalid('queueLengthLimit', queueLengthLimit, 'must be positive')
  if (queues <= 0) invalid('queues', queues, 'must be positive')
  else if (queues > mostQueues) invalid('queues', queues, `must not be greater than ${mostQueues}`)
  const entropy = Math.ceil(Math.log2(queues) * handSize)
  if (handSize <= 0) invalid('handSize', handSize, 'must be positive')
  else if (handSize > queues) invalid('handSize', handSize, `should not be greater than queues (${queues})`)
  else if (entropy > hashBits) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${hashBits}`
    invalid('handSize', handSize, why)
  }
  return errors
}

function validateSpec(name: string, spec: Spec): FieldError[] {
  const { type, limited, exempt } = spec
  const errors: FieldError[] = []
  if ((name === 'exempt') !== (type === 'Exempt')) {
    errors.push(fieldError.invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'"))
  }
  if (type === 'Exempt') {
    if (limited) errors.push(fieldError.forbidden('spec.limited', 'must be nil if the type is not Limited'))
    if (exempt) errors.push(...validateShares(exempt.nominalConcurrencyShares, exempt.lendablePercent, 'spec.exempt'))
  } else if (type === 'Limited') {
    if (exempt) errors.push(fieldError.forbidden('spec.exempt', 'must be nil if the type is Limited'))
    if (limited) errors.push(...validateLimited(limited))
    else errors.push(fieldError.required('spec.limited', 'must not be empty when type is Limited'))
  } else errors.push(fieldError.notSupported('spec.type', type, ['Exempt', 'Limited']))
  return [...errors, ...validateMandatory(name, spec)]
}

function validateMandatory(name: string, spec: Spec): FieldError[] {
  const fixed = mandatoryPriorityLevels.find(({ metadata }) => metadata.name === name)
  if (!fixed) return []
  const isExempt = name === 'exempt'
  const given = isExempt ? { ...spec, exempt: (fixed.spec as Spec).exempt } : spec
  if (deepEqual(given, fixed.spec)) return []
  const except = isExempt ? " except the 'spec.exempt' field" : ''
  return [fieldError.invalid('spec', spec, `spec of '${name}'${except} must equal the fixed value`)]
}

const oldAnnotation = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares'

/** How many requests of a kind are served at a time, and what becomes of the rest. */
export const PriorityLevelConfiguration = defineKind({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  namespaced: false,
  description: 'How many requests are served at a time, and what becomes of the rest.',
  fields: () => ({
    spec: PriorityLevelConfigurationSpec.prefault({}).describe('How its requests are served.'),
    status: statusOf('PriorityLevelConfiguration').prefault({}).describe('How it is.'),
  }),
  columns: [
    { name: 'Type', description: 'Exempt or Limited.', value: ({ spec }) => spec.type },
    {
      name: 'NominalConcurrencyShares',
      description: 'Its part of all the requests served at a time.',
      value: ({ spec }) => spec.limited?.nominalConcurrencyShares ?? '<none>',
    },
    {
      name: 'Queues',
      description: 'How many queues there are.',
      value: ({ spec }) => spec.limited?.limitResponse.queuing?.queues ?? '<none>',
    },
    {
      name: 'HandSize',
      description: 'How many queues a flow may use.',
      value: ({ spec }) => spec.limited?.limitResponse.queuing?.handSize ?? '<none>',
    },
    {
      name: 'QueueLengthLimit',
      description: 'How many requests wait in one queue.',
      value: ({ spec }) => spec.limited?.limitResponse.queuing?.queueLengthLimit ?? '<none>',
    },
    age,
  ],
  subresources: ['status'],
  statusKeeps: 'metadata',
  generationOf: ({ spec }) => spec,
  validate({ metadata, spec }) {
    const errors = validateSpec(metadata.name, spec)
    if (metadata.annotations?.[oldAnnotation] === undefined) return errors
    return [fieldError.forbidden('metadata.annotations', `annotation '${oldAnnotation}' is forbidden`), ...errors]
  },
  validateStatus: ({ status }) => validateConditions(status.conditions),
})
export type PriorityLevelConfiguration = ObjectOf<typeof PriorityLevelConfiguration>
