import type { ValidatingAdmissionPolicy } from '../../api/admissionregistration/validating-admission-policy.ts'
import { jsonSchemaOf, type KindSchema, resolveSchema, type SchemaNode } from '../../api/json-schema.ts'
import { type AnyKind, apiVersionOf } from '../../api/kind.ts'
import type { Cel } from '../cel/compile.ts'
import { loadCel } from '../cel/load.ts'
import { type CelType, celTypeOf, type ValueSchema } from '../cel/types.ts'
import type { KindTable } from '../kind-table.ts'
import { compose, variablesFor } from './expressions.ts'

/** A doubt about an expression, as the status of a policy carries it. */
export interface ExpressionWarning {
  readonly fieldRef: string
  readonly warning: string
}

/** How many kinds one policy is checked against (k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go). */
const mostKinds = 10

/** What the validations of a policy say about the kinds it names that these do not bear out. Rules with wildcards are passed over. */
export async function expressionWarnings(
  { spec }: ValidatingAdmissionPolicy,
  kinds: KindTable,
): Promise<readonly ExpressionWarning[]> {
  const matched = matchedKinds(spec, kinds)
  if (matched.length === 0) return []
  const cel = await loadCel()
  const base = variablesFor(spec.paramKind !== undefined)
  const environments = matched.map(kind => {
    const object = objectType(kind)
    const { variables } = compose(cel, { ...base, object, oldObject: object }, spec.variables ?? [])
    return { gvk: `${apiVersionOf(kind)}, Kind=${kind.kind}`, variables }
  })
  return (spec.validations ?? []).flatMap(({ expression, messageExpression }, at) => {
    const warn = (text: string | undefined, field: string): ExpressionWarning[] => {
      if (!text?.trim()) return []
      const doubts = environments.flatMap(({ gvk, variables }) => doubt(cel, text, variables).map(why => `${gvk}: ${why}\n`))
      return doubts.length > 0 ? [{ fieldRef: `spec.validations[${at}].${field}`, warning: doubts.join('') }] : []
    }
    return [...warn(expression, 'expression'), ...warn(messageExpression, 'messageExpression')]
  })
}

/** Comparing with null is always allowed: an object may not be there. */
function doubt(cel: Cel, expression: string, variables: Parameters<Cel['compile']>[1]['variables']): string[] {
  const compiled = cel.compile(expression, { variables })
  return compiled.ok || /applied to '\((.*, null|null, .*)\)'/.test(compiled.error) ? [] : [compiled.error]
}

function matchedKinds({ matchConstraints }: ValidatingAdmissionPolicy['spec'], kinds: KindTable): readonly AnyKind[] {
  const found = new Set<AnyKind>()
  for (const { apiGroups = [], apiVersions = [], resources = [] } of matchConstraints?.resourceRules ?? []) {
    for (const group of apiGroups) {
      for (const version of apiVersions) {
        for (const resource of resources) {
          const kind = kinds.byResource(group, version, resource)
          if (kind) found.add(kind)
        }
      }
    }
  }
  return [...found].slice(0, mostKinds)
}

const types = new WeakMap<AnyKind, CelType>()

function objectType(kind: AnyKind): CelType {
  let type = types.get(kind)
  if (!type) {
    const schema = jsonSchemaOf(kind)
    types.set(kind, (type = celTypeOf(valueSchema(schema, schema.root, 0))))
  }
  return type
}

/** Deeper than this types are left open: some contain themselves. */
const deepest = 14

/** A schema with its references resolved. */
function valueSchema(schema: KindSchema, given: SchemaNode, depth: number): ValueSchema {
  const node = resolveSchema(schema, given)
  if (depth > deepest || node['x-kubernetes-int-or-string']) return {}
  if (node['x-kubernetes-quantity']) return { type: 'string' }
  const inner = (child: SchemaNode) => valueSchema(schema, child, depth + 1)
  const { type, format, properties, additionalProperties: values, items } = node
  return {
    ...(type && { type }),
    ...(format && { format }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, inner(child)])),
    }),
    ...(values !== undefined && { additionalProperties: typeof values === 'object' ? inner(values) : values }),
    ...(items && { items: inner(items) }),
  }
}
