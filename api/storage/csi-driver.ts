import * as z from 'zod'
import { deepEqual } from '../../lib/json.ts'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, choice, int64, named, requiredText } from '../schema.ts'
import { supported, unchanged } from '../validation.ts'

const CSIDriverSpec = named(
  'storage/v1.CSIDriverSpec',
  'How a volume driver wants to be treated.',
  () => ({
    attachRequired: z.boolean().default(true).describe('Whether volumes are attached to nodes before they are mounted.'),
    podInfoOnMount: z.boolean().default(false).describe('Whether the driver hears which pod a volume is for.'),
    volumeLifecycleModes: z
      .array(choice('Persistent', 'Ephemeral'))
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('Which kinds of volumes it makes.'),
    storageCapacity: z.boolean().default(false).describe('Whether the scheduler asks how much room there is.'),
    fsGroupPolicy: choice('ReadWriteOnceWithFSType', 'File', 'None')
      .default('ReadWriteOnceWithFSType')
      .describe('Whether files get the group of the pod.'),
    tokenRequests: atomicList(
      named(
        'storage/v1.TokenRequest',
        'A token that the driver wants.',
        () => ({
          audience: requiredText('Whom the token is for; empty: the API server.'),
          expirationSeconds: int64().optional().describe('How long it is good for.'),
        }),
        { wire: 'audience expirationSeconds' },
      ),
    )
      .optional()
      .describe('Tokens of pods that the driver wants.'),
    requiresRepublish: z.boolean().default(false).describe('Whether volumes are published again now and then.'),
    seLinuxMount: z.boolean().optional().describe('Whether it mounts with an SELinux context.'),
    nodeAllocatableUpdatePeriodSeconds: int64().optional().describe('How often nodes ask how many volumes they take.'),
  }),
  {
    wire: 'attachRequired podInfoOnMount volumeLifecycleModes storageCapacity fsGroupPolicy tokenRequests requiresRepublish seLinuxMount nodeAllocatableUpdatePeriodSeconds',
  },
)
type Spec = z.output<typeof CSIDriverSpec>

const shortestTokenInSeconds = 600
const shortestPeriodInSeconds = 10

function validateTokens(requests: NonNullable<Spec['tokenRequests']>): FieldError[] {
  const audiences = new Set<string>()
  return requests.flatMap(({ audience, expirationSeconds: seconds }, i) => {
    const at = `spec.tokenRequests[${i}]`
    if (audiences.has(audience)) return [fieldError.duplicate(`${at}.audience`, audience)]
    audiences.add(audience)
    const invalid = (why: string) => [fieldError.invalid(`${at}.expirationSeconds`, seconds, why)]
    if (seconds === undefined) return []
    if (seconds < shortestTokenInSeconds) return invalid('may not specify a duration less than 10 minutes')
    return seconds > 2 ** 32 ? invalid('may not specify a duration larger than 2^32 seconds') : []
  })
}

/** How a volume driver wants to be treated. Its name is the driver's. */
export const CSIDriver = defineKind({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  namespaced: false,
  description: 'How a volume driver wants to be treated.',
  wire: 'metadata spec',
  fields: () => ({ spec: CSIDriverSpec.prefault({}).describe('How the driver wants to be treated.') }),
  columns: [
    {
      name: 'AttachRequired',
      type: 'boolean',
      description: 'Whether volumes are attached to nodes before they are mounted.',
      value: ({ spec }) => spec.attachRequired,
    },
    {
      name: 'PodInfoOnMount',
      type: 'boolean',
      description: 'Whether the driver hears which pod a volume is for.',
      value: ({ spec }) => spec.podInfoOnMount,
    },
    {
      name: 'StorageCapacity',
      type: 'boolean',
      description: 'Whether the scheduler asks how much room there is.',
      value: ({ spec }) => spec.storageCapacity,
    },
    {
      name: 'TokenRequests',
      description: 'Tokens of pods that the driver wants.',
      value: ({ spec }) => spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? '<unset>',
    },
    {
      name: 'RequiresRepublish',
      type: 'boolean',
      description: 'Whether volumes are published again now and then.',
      value: ({ spec }) => spec.requiresRepublish,
    },
    {
      name: 'Modes',
      description: 'Which kinds of volumes it makes.',
      value: ({ spec }) => spec.volumeLifecycleModes?.join(',') || '<none>',
    },
    age,
  ],
  allowUnconditionalUpdate: false,
  default({ spec }) {
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
  },
  prepareForUpdate({ metadata, spec }, old) {
    // Its generations count changes only: a new one has none.
    if (!deepEqual(spec, old.spec)) metadata.generation = (old.metadata.generation ?? 0) + 1
  },
  validate({ spec }, old) {
    const errors = supported('spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType'])
    errors.push(...validateTokens(spec.tokenRequests ?? []))
    for (const mode of spec.volumeLifecycleModes ?? []) {
      errors.push(...supported('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral']))
    }
    const { nodeAllocatableUpdatePeriodSeconds: period } = spec
    if (period !== undefined && period < shortestPeriodInSeconds) {
      const why = `must be greater than or equal to ${shortestPeriodInSeconds} seconds`
      errors.push(fieldError.invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, why))
    }
    if (!old) return errors
    // The name of the first field is upstream's own slip.
    errors.push(...unchanged('spec.attachedRequired', spec.attachRequired, old.spec.attachRequired))
    const { volumeLifecycleModes } = spec
    return [...errors, ...unchanged('spec.volumeLifecycleModes', volumeLifecycleModes, old.spec.volumeLifecycleModes)]
  },
  deletion: { answersObject: true },
})
export type CSIDriver = ObjectOf<typeof CSIDriver>
