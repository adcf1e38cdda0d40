import { fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { LabelSelector } from '../meta.ts'
import { subdomainName } from '../names.ts'
import { parseQuantity } from '../quantity.ts'
import { quantity, requiredText } from '../schema.ts'
import { invalidWhen, notNegative, unchanged, validateLabelSelector } from '../validation.ts'
import { expressionWarnings, selectedLabelWarnings } from '../warnings.ts'

/** How much room there is for volumes of a class in a part of the cluster. */
export const CSIStorageCapacity = defineKind({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  namespaced: true,
  description: 'How much room there is for volumes of a class in a part of the cluster.',
  wire: 'metadata nodeTopology storageClassName capacity maximumVolumeSize',
  fields: () => ({
    nodeTopology: LabelSelector.optional().describe('The nodes that reach the storage.'),
    storageClassName: requiredText('The class that the volumes would be of.'),
    capacity: quantity().optional().describe('How much room there is.'),
    maximumVolumeSize: quantity().optional().describe('How large one volume can be.'),
  }),
  columns: [
    {
      name: 'StorageClassName',
      description: 'The class that the volumes would be of.',
      value: ({ storageClassName }) => storageClassName,
    },
    { name: 'Capacity', description: 'How much room there is.', value: ({ capacity }) => capacity ?? '<unset>' },
  ],
  allowUnconditionalUpdate: false,
  warnings: ({ nodeTopology }) => [
    ...expressionWarnings(nodeTopology?.matchExpressions, 'nodeTopology'),
    ...selectedLabelWarnings(nodeTopology?.matchLabels, (key, why) => `nodeTopology.matchLabels.${key}: ${why}`),
  ],
  validate({ nodeTopology, storageClassName, capacity }, old) {
    if (old) {
      return [
        ...unchanged('nodeTopology', nodeTopology ?? null, old.nodeTopology ?? null),
        ...unchanged('storageClassName', storageClassName, old.storageClassName),
      ]
    }
    const errors = validateLabelSelector(nodeTopology, 'nodeTopology')
    errors.push(...invalidWhen('storageClassName', storageClassName, subdomainName(storageClassName)))
    if (capacity !== undefined && parseQuantity(capacity).nano < 0n) {
      errors.push(fieldError.invalid('capacity', capacity, notNegative))
    }
    return errors
  },
})
export type CSIStorageCapacity = ObjectOf<typeof CSIStorageCapacity>
