import { strictIp } from '../addresses.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { pathSegmentName, subdomainName } from '../names.ts'
import { named, requiredText, text } from '../schema.ts'
import { invalidWhen, requiredName, unchanged } from '../validation.ts'

interface Parent {
  readonly group?: string | undefined
  readonly resource: string
  readonly namespace?: string | undefined
  readonly name: string
}

function validateParent(parent: Parent | undefined): FieldError[] {
  const at = 'spec.parentRef'
  if (!parent) return [fieldError.required(at)]
  const { group = '', resource, name, namespace = '' } = parent
  const errors = group ? invalidWhen(`${at}.group`, group, subdomainName(group)) : []
  errors.push(...requiredName(`${at}.resource`, resource, pathSegmentName))
  errors.push(...requiredName(`${at}.name`, name, pathSegmentName))
  return namespace ? [...errors, ...invalidWhen(`${at}.namespace`, namespace, pathSegmentName(namespace))] : errors
}

/** Says who has an address: its name is the address. */
export const IPAddress = defineKind({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  shortNames: ['ip'],
  namespaced: false,
  description: 'Says who has an address.',
  wire: 'metadata spec',
  fields: () => ({
    spec: named(
      'networking/v1.IPAddressSpec',
      'Who has an address.',
      () => ({
        parentRef: named(
          'networking/v1.ParentReference',
          'The object that has it.',
          () => ({
            group: text('API group of the object.'),
            resource: requiredText('Plural name of its kind.'),
            namespace: text('Namespace of the object.'),
            name: requiredText('Name of the object.'),
          }),
          { wire: 'group resource namespace name' },
        )
          .optional()
          .describe('The object that has it.'),
      }),
      { wire: 'parentRef' },
    )
      .prefault({})
      .describe('Who has it.'),
  }),
  columns: [
    {
      name: 'ParentRef',
      description: 'The object that has it.',
      value({ spec: { parentRef } }) {
        if (!parentRef) return '<none>'
        const { group, resource, namespace, name } = parentRef
        const type = `${resource}${group ? `.${group}` : ''}`.toLowerCase()
        return `${type}${namespace ? `/${namespace}` : ''}/${name}`
      },
    },
  ],
  validateName: name => strictIp('', name).map(({ message }) => message.replace(/^Invalid value: "[^"]*": /, '')),
  validate: ({ spec }, old) =>
    old ? unchanged('spec.parentRef', spec.parentRef ?? null, old.spec.parentRef ?? null) : validateParent(spec.parentRef),
})
export type IPAddress = ObjectOf<typeof IPAddress>
