import * as z from 'zod'
import { age } from '../columns.ts'
import { domainPrefixedPath } from '../domain-names.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { labelName } from '../names.ts'
import { named, requiredText, text } from '../schema.ts'
import { invalidWhen, unchanged } from '../validation.ts'
import { validateReference } from './ingress-validation.ts'

const Parameters = named(
  'networking/v1.IngressClassParametersReference',
  'An object with more settings of a class.',
  () => ({
    apiGroup: z.string().optional().describe('API group of the object; absent for the core group.'),
    kind: requiredText('Kind of the object.'),
    name: requiredText('Name of the object.'),
    scope: z.string().optional().describe('Cluster or Namespace.'),
    namespace: z.string().optional().describe('Namespace of the object, if it lives in one.'),
  }),
  { wire: 'apiGroup kind name scope namespace' },
)

const longestController = 250

function validateParameters(parameters: z.output<typeof Parameters>): FieldError[] {
  const at = 'spec.parameters'
  const { scope, namespace } = parameters
  const errors = validateReference(parameters, at)
  if (scope === undefined) return [...errors, fieldError.required(`${at}.scope`)]
  if (scope !== 'Cluster' && scope !== 'Namespace') {
    errors.push(fieldError.notSupported(`${at}.scope`, scope, ['Cluster', 'Namespace']))
  } else if (scope === 'Namespace') {
    if (namespace === undefined) errors.push(fieldError.required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'"))
    else errors.push(...invalidWhen(`${at}.namespace`, namespace, labelName(namespace)))
  } else if (namespace !== undefined) {
    errors.push(fieldError.forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  }
  return errors
}

/** Which controller serves the ingresses that name it. */
export const IngressClass = defineKind({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
  description: 'Which controller serves the ingresses that name it.',
  wire: 'metadata spec',
  fields: () => ({
    spec: named(
      'networking/v1.IngressClassSpec',
      'Who serves ingresses of a class.',
      () => ({
        controller: text('Name of the controller: `example.com/ingress`.'),
        parameters: Parameters.optional().describe('An object with more settings.'),
      }),
      { wire: 'controller parameters' },
    )
      .prefault({})
      .describe('Who serves ingresses of the class.'),
  }),
  columns: [
    {
      name: 'Controller',
      description: 'Who serves ingresses of the class.',
      value: ({ spec }) => spec.controller ?? '',
    },
    {
      name: 'Parameters',
      description: 'An object with more settings.',
      value({ spec: { parameters } }) {
        if (!parameters) return '<none>'
        const { kind, apiGroup, name } = parameters
        return `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}`
      },
    },
    age,
  ],
  generationOf: ({ spec }) => spec,
  default({ spec }) {
    if (spec.parameters) spec.parameters.scope ??= 'Cluster'
  },
  validate({ spec }, old) {
    const { controller = '', parameters } = spec
    const errors = old ? unchanged('spec.controller', controller, old.spec.controller ?? '') : []
    if (controller.length > longestController) errors.push(fieldError.tooLong('spec.controller', longestController))
    errors.push(...domainPrefixedPath('spec.controller', controller))
    return parameters ? [...errors, ...validateParameters(parameters)] : errors
  },
})
export type IngressClass = ObjectOf<typeof IngressClass>
