import { age } from '../columns.ts'
import { Toleration } from '../core/affinity.ts'
import { validateTolerations } from '../core/affinity-validation.ts'
import { validateResources } from '../core/resource-validation.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { labelName } from '../names.ts'
import { atomicList, named, quantityMap, requiredText, stringMap } from '../schema.ts'
import { invalidWhen, unchanged, validateLabels } from '../validation.ts'
import { selectedLabelWarnings } from '../warnings.ts'

/** One toleration may be named once, whatever its seconds. */
function repeated(tolerations: readonly Toleration[]): FieldError[] {
  const seen = new Set<string>()
  return tolerations.flatMap((toleration, i) => {
    const { key = '', operator = '', value = '', effect = '' } = toleration
    const id = JSON.stringify([key, operator, value, effect])
    const errors = seen.has(id) ? [fieldError.duplicate(`scheduling.tolerations[${i}]`, toleration)] : []
    seen.add(id)
    return errors
  })
}

/** A way to run containers, chosen by pods (pkg/apis/node). */
export const RuntimeClass = defineKind({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  namespaced: false,
  description: 'A way to run containers, chosen by pods.',
  wire: 'metadata handler overhead scheduling',
  fields: () => ({
    handler: requiredText('What the container runtime calls it.'),
    overhead: named(
      'node/v1.Overhead',
      'What running a pod costs beside its containers.',
      () => ({ podFixed: quantityMap().optional().describe('Resources that every pod needs on top.') }),
      { wire: 'podFixed' },
    )
      .optional()
      .describe('What running a pod costs beside its containers.'),
    scheduling: named(
      'node/v1.Scheduling',
      'Nodes that know a class.',
      () => ({
        nodeSelector: stringMap()
          .optional()
          .meta({ 'x-kubernetes-map-type': 'atomic' })
          .describe('Labels of the nodes that know the class.'),
        tolerations: atomicList(Toleration).optional().describe('Taints that its pods put up with.'),
      }),
      { wire: 'nodeSelector tolerations' },
    )
      .optional()
      .describe('Nodes that know the class.'),
  }),
  columns: [{ name: 'Handler', description: 'What the container runtime calls it.', value: ({ handler }) => handler }, age],
  allowUnconditionalUpdate: false,
  allowCreateOnUpdate: true,
  warnings: ({ scheduling }) => selectedLabelWarnings(scheduling?.nodeSelector, (_key, why) => `scheduling.nodeSelector: ${why}`),
  validate({ handler, overhead, scheduling }, old) {
    if (old) return unchanged('handler', handler, old.handler)
    const errors = invalidWhen('handler', handler, labelName(handler))
    if (overhead?.podFixed) errors.push(...validateResources({ limits: overhead.podFixed }, 'overhead'))
    if (!scheduling) return errors
    const { nodeSelector, tolerations = [] } = scheduling
    errors.push(...validateLabels(nodeSelector, 'scheduling.nodeSelector'))
    return [...errors, ...validateTolerations(tolerations, 'scheduling.tolerations.tolerations'), ...repeated(tolerations)]
  },
})
export type RuntimeClass = ObjectOf<typeof RuntimeClass>
