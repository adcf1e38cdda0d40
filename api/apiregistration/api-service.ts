import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields } from '../meta.ts'
import { pathSegmentName, portNumber, serviceName, subdomainName } from '../names.ts'
import { base64Text, flag, int32, listMap, named, plain, text } from '../schema.ts'
import { invalidWhen, supported } from '../validation.ts'

const ServiceReference = named(
  'apiregistration/v1.ServiceReference',
  'A service that serves an API.',
  () => ({
    namespace: text('Namespace of the service.'),
    name: text('Name of the service.'),
    port: int32().default(443).describe('Port of the service.'),
  }),
  { wire: 'namespace name port' },
)

const APIServiceSpec = named(
  'apiregistration/v1.APIServiceSpec',
  'Which API is served, and by whom.',
  () => ({
    service: ServiceReference.optional().describe('Who serves it; absent: this server.'),
    group: text('API group.'),
    version: text('API version.'),
    insecureSkipTLSVerify: flag('Whether to trust whoever answers.'),
    caBundle: plain(base64Text().optional()).describe('Certificates to check the service by.'),
    groupPriorityMinimum: int32().default(0).describe('Where the group stands among groups; higher goes first.'),
    versionPriority: int32().default(0).describe('Where the version stands in its group; higher goes first.'),
  }),
  { wire: 'service group version insecureSkipTLSVerify caBundle 7:groupPriorityMinimum 8:versionPriority' },
)

const APIServiceStatus = named(
  'apiregistration/v1.APIServiceStatus',
  'Whether the API is served.',
  () => ({
    conditions: listMap(
      named('apiregistration/v1.APIServiceCondition', 'Whether the API is served.', () => conditionFields, {
        wire: 'type status lastTransitionTime reason message',
      }),
      'type',
    )
      .optional()
      .describe('Whether it is served.'),
  }),
  { wire: 'conditions' },
)

/** Upstream's own text, and ours for what this server does not do: it passes no requests on to other servers. */
const local = { status: 'True', reason: 'Local', message: 'Local APIServices are always available' } as const
const remote = {
  status: 'False',
  reason: 'NotProxied',
  message: 'this API server does not pass requests on to other API servers',
} as const

type Spec = (typeof APIServiceSpec)['_zod']['output']

function validateSpec(spec: Spec): FieldError[] {
  const { group = '', version = '', groupPriorityMinimum: minimum, versionPriority: priority, service } = spec
  const errors: FieldError[] = []
  if (!group && version !== 'v1') {
    errors.push(fieldError.required('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
  }
  if (group) errors.push(...invalidWhen('spec.group', group, subdomainName(group)))
  errors.push(...invalidWhen('spec.version', version, serviceName(version)))
  if (minimum <= 0 || minimum > 20_000) {
    errors.push(fieldError.invalid('spec.groupPriorityMinimum', minimum, 'must be positive and less than 20000'))
  }
  if (priority <= 0 || priority > 1000) {
    errors.push(fieldError.invalid('spec.versionPriority', priority, 'must be positive and less than 1000'))
  }
  return [...errors, ...(service ? validateService(spec, service) : validateLocal(spec))]
}

function validateLocal({ caBundle, insecureSkipTLSVerify }: Spec): FieldError[] {
  const errors: FieldError[] = []
  if (caBundle) {
    const size = `${Buffer.from(caBundle, 'base64').length} bytes`
    errors.push(fieldError.invalid('spec.caBundle', size, 'local APIServices may not have a caBundle'))
  }
  if (insecureSkipTLSVerify) {
    const why = 'local APIServices may not have insecureSkipTLSVerify'
    errors.push(fieldError.invalid('spec.insecureSkipTLSVerify', true, why))
  }
  return errors
}

function validateService({ caBundle, insecureSkipTLSVerify }: Spec, service: NonNullable<Spec['service']>): FieldError[] {
  const errors: FieldError[] = []
  if (!service.namespace) errors.push(fieldError.required('spec.service.namespace'))
  if (!service.name) errors.push(fieldError.required('spec.service.name'))
  const faults = portNumber(service.port)
  if (faults.length > 0) {
    errors.push(fieldError.invalid('spec.service.port', service.port, `port is not valid: ${faults.join(', ')}`))
  }
  if (insecureSkipTLSVerify && caBundle) {
    errors.push(fieldError.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'))
  }
  return errors
}

/** Says who serves a version of an API group. Its name is `version.group`. */
export const APIService = defineKind({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  categories: ['api-extensions'],
  namespaced: false,
  description: 'Says who serves a version of an API group.',
  fields: () => ({
    spec: APIServiceSpec.prefault({}).describe('Which API is served, and by whom.'),
    status: APIServiceStatus.prefault({}).describe('Whether it is served.'),
  }),
  columns: [
    {
      name: 'Service',
      description: 'Who serves it.',
      value: ({ spec: { service } }) => (service ? `${service.namespace ?? ''}/${service.name ?? ''}` : 'Local'),
    },
    {
      name: 'Available',
      description: 'Whether it is served.',
      value({ status }) {
        const condition = status.conditions?.find(({ type }) => type === 'Available')
        if (!condition) return 'Unknown'
        return condition.status === 'True' || !condition.reason ? condition.status : `${condition.status} (${condition.reason})`
      },
    },
    age,
  ],
  subresources: ['status'],
  statusKeeps: 'metadata',
  allowUnconditionalUpdate: false,
  validateName: pathSegmentName,
  prepareForCreate({ metadata, spec, status }) {
    const lastTransitionTime = metadata.creationTimestamp
    status.conditions = [{ type: 'Available', ...(spec.service ? remote : local), lastTransitionTime }]
  },
  validate({ metadata, spec }) {
    const wanted = `${spec.version ?? ''}.${spec.group ?? ''}`
    const errors = validateSpec(spec)
    if (metadata.name === wanted || pathSegmentName(metadata.name).length > 0) return errors
    const why = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`
    return [fieldError.invalid('metadata.name', metadata.name, why), ...errors]
  },
  validateStatus: ({ status }) =>
    (status.conditions ?? []).flatMap(({ status }, i) =>
      supported(`status.conditions[${i}].status`, status, ['True', 'False', 'Unknown']),
    ),
})
export type APIService = ObjectOf<typeof APIService>
