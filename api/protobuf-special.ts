/**
 * Messages that a schema says nothing about, because there it is free JSON: the schemas inside of custom resource definitions
 * (k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/generated.proto). Lines as in wire.ts, each field with its type; text
 * where none is named. `*` marks what Go keeps by pointer: its zero value is kept, that of others counts as absent.
 */
export const specialMessages: Readonly<Record<string, string>> = {
  JSONSchemaProps: `
    id $schema $ref=string* description type format title default=JSON maximum=float64* exclusiveMaximum=bool
    minimum=float64* exclusiveMinimum=bool maxLength=int64* minLength=int64* pattern maxItems=int64* minItems=int64*
    uniqueItems=bool multipleOf=float64* enum=JSON[] maxProperties=int64* minProperties=int64* required=string[]
    items=SchemaOrList allOf=JSONSchemaProps[] oneOf=JSONSchemaProps[] anyOf=JSONSchemaProps[] not=JSONSchemaProps
    properties=JSONSchemaProps{} additionalProperties=SchemaOrFlag patternProperties=JSONSchemaProps{}
    dependencies=SchemaOrTexts{} additionalItems=SchemaOrFlag definitions=JSONSchemaProps{}
    externalDocs=ExternalDocumentation example=JSON nullable=bool x-kubernetes-preserve-unknown-fields=bool*
    x-kubernetes-embedded-resource=bool x-kubernetes-int-or-string=bool x-kubernetes-list-map-keys=string[]
    x-kubernetes-list-type=string* x-kubernetes-map-type=string* x-kubernetes-validations=ValidationRule[]`,
  ExternalDocumentation: 'description url',
  ValidationRule: 'rule message messageExpression reason=string* fieldPath optionalOldSelf=bool*',
  SchemaOrList: 'schema=JSONSchemaProps list=JSONSchemaProps[]',
  SchemaOrFlag: 'flag=bool schema=JSONSchemaProps',
  SchemaOrTexts: 'schema=JSONSchemaProps texts=string[]',
}

/** Messages that stand for one of several forms of JSON: which one, going by the fields that came. */
export const variants: Readonly<Record<string, (message: Record<string, unknown>) => unknown>> = {
  SchemaOrList: ({ schema, list }) => list ?? schema ?? null,
  SchemaOrFlag: ({ schema, flag }) => schema ?? flag === true,
  SchemaOrTexts: ({ schema, texts }) => texts ?? schema ?? null,
}
