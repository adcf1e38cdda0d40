import { defineKind, type ObjectOf } from '../kind.ts'
import { serviceName } from '../names.ts'
import { serviceColumns } from './service-columns.ts'
import { defaultService } from './service-defaults.ts'
import { prepareNewService, prepareServiceUpdate } from './service-families.ts'
import { ServiceSpec, ServiceStatus } from './service-spec.ts'
import { validateService, validateServiceStatus } from './service-validation.ts'
import { serviceWarnings } from './service-warnings.ts'

export type { ServicePort } from './service-spec.ts'

/** A stable name and address for a set of pods. */
export const Service = defineKind({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  description: 'A stable name and address for a set of pods.',
  fields: () => ({
    spec: ServiceSpec.prefault({}).describe('What it offers, and which pods serve it.'),
    status: ServiceStatus.prefault({}).describe('How it is.'),
  }),
  columns: serviceColumns,
  subresources: ['status', 'proxy'],
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '',
    'spec.type': ({ spec }) => spec.type,
  },
  allowCreateOnUpdate: true,
  validateName: serviceName,
  default: defaultService,
  prepareForCreate: prepareNewService,
  prepareForUpdate: prepareServiceUpdate,
  validate: validateService,
  warnings: service => serviceWarnings(service),
  validateStatus: validateServiceStatus,
  deletion: { answersObject: true },
})
export type Service = ObjectOf<typeof Service>
