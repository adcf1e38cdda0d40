import * as z from 'zod'
import { flag, int64, named, requiredText, text, texts } from '../schema.ts'

/** A rule in CEL that values have to obey. */
export interface ValidationRule {
  readonly rule: string
  readonly message?: string
  readonly messageExpression?: string
  readonly reason?: string
  readonly fieldPath?: string
  readonly optionalOldSelf?: boolean
}

/** A JSON schema as CustomResourceDefinitions hold it (apiextensions.k8s.io/v1 JSONSchemaProps). */
export interface JsonSchemaProps {
  readonly id?: string
  readonly $schema?: string
  readonly $ref?: string
  readonly description?: string
  readonly type?: string
  readonly format?: string
  readonly title?: string
  readonly default?: unknown
  readonly maximum?: number
  readonly exclusiveMaximum?: boolean
  readonly minimum?: number
  readonly exclusiveMinimum?: boolean
  readonly maxLength?: number
  readonly minLength?: number
  readonly pattern?: string
  readonly maxItems?: number
  readonly minItems?: number
  readonly uniqueItems?: boolean
  readonly multipleOf?: number
  readonly enum?: readonly unknown[]
  readonly maxProperties?: number
  readonly minProperties?: number
  readonly required?: readonly string[]
  readonly items?: JsonSchemaProps | readonly JsonSchemaProps[]
  readonly allOf?: readonly JsonSchemaProps[]
  readonly oneOf?: readonly JsonSchemaProps[]
  readonly anyOf?: readonly JsonSchemaProps[]
  readonly not?: JsonSchemaProps
  readonly properties?: Readonly<Record<string, JsonSchemaProps>>
  readonly additionalProperties?: JsonSchemaProps | boolean
  readonly patternProperties?: Readonly<Record<string, JsonSchemaProps>>
  readonly dependencies?: Readonly<Record<string, JsonSchemaProps | readonly string[]>>
  readonly additionalItems?: JsonSchemaProps | boolean
  readonly definitions?: Readonly<Record<string, JsonSchemaProps>>
  readonly externalDocs?: { readonly description?: string; readonly url?: string }
  readonly example?: unknown
  readonly nullable?: boolean
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[]
}

const ValidationRuleSchema = named('apiextensions/v1.ValidationRule', 'A rule in CEL that values have to obey.', () => ({
  rule: requiredText('The expression; `self` is the value, `oldSelf` what it was before.'),
  message: text('What to say when the rule is broken.'),
  messageExpression: text('An expression that makes the message; wins over message.'),
  reason: z.string().optional().describe('What kind of fault it is: FieldValueInvalid, FieldValueForbidden and the like.'),
  fieldPath: text('The field below this one that is at fault.'),
  optionalOldSelf: z
    .boolean()
    .optional()
    .describe('Whether the rule also runs when there is nothing before; oldSelf is optional then.'),
}))

/** The schema within a schema. */
const inner: z.ZodType<JsonSchemaProps, JsonSchemaProps> = z.lazy(() => JsonSchemaPropsSchema) as never
const number = () => z.number().optional()
const count = () => int64().optional()
const schemas = () => z.array(inner).optional()
const schemaMap = () => z.record(z.string(), inner).optional()

/** The schema of schemas. */
export const JsonSchemaPropsSchema = named('apiextensions/v1.JSONSchemaProps', 'How values must look: a JSON schema.', () => ({
  id: text('Not supported.'),
  $schema: text('Not supported.'),
  $ref: z.string().optional().describe('Not supported.'),
  description: text('What the value means.'),
  type: text('object, array, string, integer, number or boolean.'),
  format: text('What kind of text or number it is: date-time, ipv4, int64 and so on. Unknown formats are ignored.'),
  title: text('A short name.'),
  default: z.unknown().optional().describe('The value when none is given.'),
  maximum: number().describe('The largest number.'),
  exclusiveMaximum: flag('The maximum itself is too much.'),
  minimum: number().describe('The smallest number.'),
  exclusiveMinimum: flag('The minimum itself is too little.'),
  maxLength: count().describe('The most characters of a text.'),
  minLength: count().describe('The fewest characters of a text.'),
  pattern: text('A regular expression that texts must match.'),
  maxItems: count().describe('The most items of a list.'),
  minItems: count().describe('The fewest items of a list.'),
  uniqueItems: flag('Not supported: use x-kubernetes-list-type.'),
  multipleOf: number().describe('Numbers must be a multiple of this.'),
  enum: z.array(z.unknown()).optional().describe('The only values there are.'),
  maxProperties: count().describe('The most fields of an object.'),
  minProperties: count().describe('The fewest fields of an object.'),
  required: texts('Fields that must be there.'),
  items: z
    .union([inner, z.array(inner)])
    .optional()
    .describe('What the items of a list look like.'),
  allOf: schemas().describe('Values must match all of these.'),
  oneOf: schemas().describe('Values must match exactly one of these.'),
  anyOf: schemas().describe('Values must match one of these at least.'),
  not: inner.optional().describe('Values must not match this.'),
  properties: schemaMap().describe('The fields of an object.'),
  additionalProperties: z.union([inner, z.boolean()]).optional().describe('What fields that are not in properties look like.'),
  patternProperties: schemaMap().describe('Not supported.'),
  dependencies: z
    .record(z.string(), z.union([inner, z.array(z.string())]))
    .optional()
    .describe('Not supported.'),
  additionalItems: z.union([inner, z.boolean()]).optional().describe('Not supported.'),
  definitions: schemaMap().describe('Not supported.'),
  externalDocs: named('apiextensions/v1.ExternalDocumentation', 'Where to read more.', () => ({
    description: text('What is to be found there.'),
    url: text('Where it is.'),
  }))
    .optional()
    .describe('Where to read more.'),
  example: z.unknown().optional().describe('What a value may look like.'),
  nullable: flag('Null is a value as well.'),
  'x-kubernetes-preserve-unknown-fields': z.boolean().optional().describe('Fields that the schema does not know are kept.'),
  'x-kubernetes-embedded-resource': flag('The value is an object of the API, with apiVersion, kind and metadata.'),
  'x-kubernetes-int-or-string': flag('The value is a whole number or a text.'),
  'x-kubernetes-list-map-keys': texts('The fields that tell the items of a list of type map apart.'),
  'x-kubernetes-list-type': z.string().optional().describe('atomic, set or map: what a list means, to patches and to rules.'),
  'x-kubernetes-map-type': z
    .string()
    .optional()
    .describe('granular or atomic: whether the fields of an object are changed one by one.'),
  'x-kubernetes-validations': z
    .array(ValidationRuleSchema)
    .meta({
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['rule'],
      'x-kubernetes-patch-merge-key': 'rule',
      'x-kubernetes-patch-strategy': 'merge',
    })
    .optional()
    .describe('Rules in CEL that values have to obey.'),
}))
