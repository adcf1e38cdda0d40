import { CustomResourceDefinition } from '../../api/apiextensions/custom-resource-definition.ts'
import type { JsonSchemaProps } from '../../api/apiextensions/json-schema-props.ts'
import { jsonSchemaOf, type KindSchema, type SchemaNode } from '../../api/json-schema.ts'

/** A custom resource as OpenAPI describes it: its own schema, and the envelope that all objects have. */
export function openApiSchema(schema: JsonSchemaProps): KindSchema {
  const { root, definitions } = jsonSchemaOf(CustomResourceDefinition)
  const { apiVersion, kind, metadata } = root.properties ?? {}
  const common = Object.entries(definitions).filter(([name]) => name.startsWith('io.k8s.apimachinery.'))
  const { properties, ...rest } = schema
  const own = {
    ...(rest as SchemaNode),
    type: 'object',
    properties: {
      ...(properties as SchemaNode['properties']),
      ...(apiVersion && { apiVersion }),
      ...(kind && { kind }),
      ...(metadata && { metadata }),
    },
  }
  return { root: own, definitions: Object.fromEntries(common) }
}
