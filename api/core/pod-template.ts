import { column, describeLabels } from '../columns.ts'
import { type Column, defineKind, type ObjectOf } from '../kind.ts'
import { defaultPodSpec } from './pod-defaults.ts'
import { PodTemplateSpec } from './pod-spec.ts'
import { validatePodTemplate } from './pod-spec-validation.ts'
import { templateWarnings } from './pod-warnings.ts'

interface TemplateParts {
  readonly template: PodTemplateSpec
}

const joined = (field: 'name' | 'image') => (object: TemplateParts) =>
  object.template.spec.containers.map(each => each[field]).join(',')

const columns: Column<TemplateParts>[] = [
  column('Containers', 'Names of the containers.', joined('name')),
  column('Images', 'Images of the containers.', joined('image')),
  column('Pod Labels', 'Labels of the pods made from it.', ({ template }) => describeLabels(template.metadata.labels)),
]

/** What pods could look like; kept for whoever makes them. */
export const PodTemplate = defineKind({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  namespaced: true,
  description: 'What pods could look like; kept for whoever makes them.',
  wire: 'metadata template',
  fields: () => ({ template: PodTemplateSpec.prefault({}).describe('What the pods look like.') }),
  columns,
  generationOf: ({ template }) => template,
  default: ({ template }) => defaultPodSpec(template.spec),
  validate: ({ template }) => validatePodTemplate(template, 'template'),
  warnings: ({ metadata, template }, old) =>
    old && old.metadata.generation === metadata.generation ? [] : templateWarnings(template, 'template'),
  deletion: { answersObject: true },
})
export type PodTemplate = ObjectOf<typeof PodTemplate>
