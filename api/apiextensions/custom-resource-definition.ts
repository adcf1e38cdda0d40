import * as z from 'zod'
import { defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields } from '../meta.ts'
import { atomicList, base64Text, choice, flag, int32, listMap, named, requiredText, text, whole } from '../schema.ts'
import { cleanupFinalizer, type Definition, storageVersionOf } from './definition.ts'
import { validateDefinition, validateDefinitionStatus } from './definition-validation.ts'
import { formatCheck } from './formats.ts'
import { JsonSchemaPropsSchema } from './json-schema-props.ts'
import { someSchema } from './structural.ts'

const Names = named(
  'apiextensions/v1.CustomResourceDefinitionNames',
  'What the resource and its kind are called.',
  () => ({
    plural: requiredText('The resource, in paths: lower case, plural.'),
    singular: text('One of them; the kind in lower case unless said otherwise.'),
    shortNames: atomicList(z.string()).optional().describe('Short forms for the command line.'),
    kind: requiredText('The kind: CamelCase, singular.'),
    listKind: text('The kind of a list; the kind with List behind it unless said otherwise.'),
    categories: atomicList(z.string()).optional().describe('Groups of resources it belongs to, such as all.'),
  }),
  { wire: 'plural singular shortNames kind listKind categories' },
)

const Column = named(
  'apiextensions/v1.CustomResourceColumnDefinition',
  'A column of tables.',
  () => ({
    name: requiredText('The heading.'),
    type: requiredText('string, integer, number, boolean or date.'),
    format: text('More about the type: int32, date-time and so on.'),
    description: text('What the column says.'),
    priority: whole('0: always shown; more: only in wide tables.'),
    jsonPath: requiredText('Where the value is, as a simple JSONPath.'),
  }),
  { wire: 'name type format description priority jsonPath' },
)

const Subresources = named(
  'apiextensions/v1.CustomResourceSubresources',
  'Parts of an object that have an address of their own.',
  () => ({
    status: named('apiextensions/v1.CustomResourceSubresourceStatus', 'The status, written apart from the rest.', () => ({}), {
      wire: '',
    })
      .optional()
      .describe('The status, written apart from the rest.'),
    scale: named(
      'apiextensions/v1.CustomResourceSubresourceScale',
      'How many there are of something.',
      () => ({
        specReplicasPath: requiredText('Where the wanted number is; below .spec.'),
        statusReplicasPath: requiredText('Where the actual number is; below .status.'),
        labelSelectorPath: z.string().optional().describe('Where the selector of what is counted is, as text.'),
      }),
      { wire: 'specReplicasPath statusReplicasPath labelSelectorPath' },
    )
      .optional()
      .describe('How many there are of something.'),
  }),
  { wire: 'status scale' },
)

const Version = named(
  'apiextensions/v1.CustomResourceDefinitionVersion',
  'One version of the resource.',
  () => ({
    name: requiredText('The version: v1, v1beta1.'),
    served: z.boolean().default(false).describe('Whether it can be asked for.'),
    storage: z.boolean().default(false).describe('Whether objects are kept in it; exactly one version is.'),
    schema: named(
      'apiextensions/v1.CustomResourceValidation',
      'What objects look like.',
      () => ({ openAPIV3Schema: JsonSchemaPropsSchema.optional().describe('The schema.') }),
      { wire: 'openAPIV3Schema=JSONSchemaProps' },
    )
      .optional()
      .describe('What objects look like.'),
    subresources: Subresources.optional().describe('Which parts of an object have an address of their own.'),
    additionalPrinterColumns: atomicList(Column).optional().describe('Columns of tables, after the name.'),
    deprecated: flag('Who uses it is warned.'),
    deprecationWarning: z.string().optional().describe('The words of that warning.'),
    selectableFields: atomicList(
      named(
        'apiextensions/v1.SelectableField',
        'A field that field selectors may name.',
        () => ({ jsonPath: requiredText('Where the field is: a text, number or boolean outside metadata.') }),
        { wire: 'jsonPath' },
      ),
    )
      .optional()
      .describe('Fields that field selectors may name, eight at most.'),
  }),
  { wire: 'name served storage schema subresources additionalPrinterColumns deprecated deprecationWarning selectableFields' },
)

const Conversion = named(
  'apiextensions/v1.CustomResourceConversion',
  'How objects get from one version to another.',
  () => ({
    strategy: choice('None', 'Webhook')
      .default('' as 'None')
      .describe('None: only apiVersion changes; Webhook: somebody is asked.'),
    webhook: named(
      'apiextensions/v1.WebhookConversion',
      'Who is asked, and how.',
      () => ({
        clientConfig: named(
          'apiextensions/v1.WebhookClientConfig',
          'Where the webhook is: a service or a URL.',
          () => ({
            service: named(
              'apiextensions/v1.ServiceReference',
              'A service of the cluster.',
              () => ({
                namespace: requiredText('Its namespace.'),
                name: requiredText('Its name.'),
                path: z.string().optional().describe('The path of the request.'),
                port: int32().optional().describe('Its port; 443 unless said otherwise.'),
              }),
              { wire: 'namespace name path port' },
            )
              .optional()
              .describe('A service of the cluster.'),
            caBundle: base64Text().optional().describe('The authority that the certificate must come from, as PEM.'),
            url: z.string().optional().describe('An https address.'),
          }),
          { wire: 'service caBundle url' },
        )
          .optional()
          .describe('Where the webhook is.'),
        conversionReviewVersions: atomicList(z.string())
          .optional()
          .describe('Versions of ConversionReview it understands, in order of preference.'),
      }),
      { wire: '2:clientConfig conversionReviewVersions' },
    )
      .optional()
      .describe('Who is asked, and how.'),
  }),
  { wire: 'strategy webhook' },
)

/** Formats of texts that nobody checks. */
function unknownFormats({ spec }: Definition): string[] {
  const found: string[] = []
  for (const { schema } of spec.versions) {
    if (!schema?.openAPIV3Schema) continue
    someSchema(schema.openAPIV3Schema, ({ type, format }) => {
      if (type === 'string' && format && !formatCheck(format)) found.push(format)
      return false // all of them
    })
  }
  return found
}

/** A kind of object that the cluster has been told about (custom resource). */
export const CustomResourceDefinition = defineKind({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  // A status update lets metadata through, as upstream's strategy does: removing the last finalizer and the last condition is one write.
  description: 'A kind of object that the cluster has been told about: what it is called, and what it looks like.',
  fields: () => ({
    spec: named(
      'apiextensions/v1.CustomResourceDefinitionSpec',
      'What the kind is like.',
      () => ({
        group: requiredText('The API group, a domain name.'),
        names: Names.prefault({}).describe('What the resource and its kind are called.'),
        scope: choice('Cluster', 'Namespaced')
          .default('' as 'Cluster')
          .describe('Cluster or Namespaced.'),
        versions: atomicList(Version).default([]).describe('Its versions.'),
        conversion: Conversion.optional().describe('How objects get from one version to another.'),
        preserveUnknownFields: flag('Not supported: use x-kubernetes-preserve-unknown-fields in the schema.'),
      }),
      { wire: 'group 3:names scope 7:versions 9:conversion preserveUnknownFields' },
    )
      .prefault({})
      .describe('What the kind is like.'),
    status: named(
      'apiextensions/v1.CustomResourceDefinitionStatus',
      'How far the cluster has got with it.',
      () => ({
        conditions: listMap(
          named('apiextensions/v1.CustomResourceDefinitionCondition', 'An aspect of its state.', () => ({ ...conditionFields }), {
            wire: 'type status lastTransitionTime reason message',
          }),
          'type',
        )
          .optional()
          .describe('Aspects of its state: NamesAccepted, Established, Terminating, NonStructuralSchema.'),
        acceptedNames: Names.prefault({}).describe('The names it is served under.'),
        storedVersions: atomicList(z.string()).optional().describe('Versions in which objects were ever kept.'),
      }),
      { wire: 'conditions acceptedNames storedVersions' },
    )
      .prefault({})
      .describe('How far the cluster has got with it.'),
  }),
  subresources: ['status'],
  allowUnconditionalUpdate: false,
  bareFinalizers: true,
  generationOf: ({ spec }) => spec,
  default({ spec, status }) {
    const { names } = spec
    names.singular ??= names.kind.toLowerCase()
    if (names.kind) names.listKind ??= `${names.kind}List`
    spec.conversion ??= { strategy: 'None' }
    const service = spec.conversion.webhook?.clientConfig?.service
    if (service) service.port ??= 443
    const storage = storageVersionOf(spec as Definition['spec'])
    if (!status.storedVersions?.length && storage) status.storedVersions = [storage]
  },
  prepareForUpdate({ spec, status }) {
    const storage = storageVersionOf(spec as Definition['spec'])
    if (storage && !status.storedVersions?.includes(storage)) status.storedVersions = [...(status.storedVersions ?? []), storage]
  },
  validate: (crd, old) => validateDefinition(crd as Definition, old as Definition | undefined),
  validateStatus: crd => validateDefinitionStatus(crd as Definition),
  warnings(crd, old) {
    const known = new Set(old && unknownFormats(old as Definition))
    return unknownFormats(crd as Definition).flatMap(format =>
      known.has(format) ? [] : [`unrecognized format ${JSON.stringify(format)}`],
    )
  },
  deletion: {
    // Its objects go first: the first DELETE only marks it, and a finalizer holds it from then on.
    holds: ({ metadata }) => !metadata.deletionTimestamp,
    prepare(crd) {
      const { metadata } = crd
      metadata.finalizers ??= []
      if (metadata.finalizers.includes(cleanupFinalizer)) return
      metadata.finalizers.push(cleanupFinalizer)
    },
  },
})
export type CustomResourceDefinition = ObjectOf<typeof CustomResourceDefinition>
