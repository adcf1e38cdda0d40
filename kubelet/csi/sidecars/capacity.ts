import { createHash } from 'node:crypto'
import { Node } from '../../../api/core/node.ts'
import { ignore } from '../../../api/errors.ts'
import { CSIDriver } from '../../../api/storage/csi-driver.ts'
import { CSINode } from '../../../api/storage/csi-node.ts'
import { CSIStorageCapacity } from '../../../api/storage/csi-storage-capacity.ts'
import { StorageClass } from '../../../api/storage/storage-class.ts'
import type { Controller, ReconcileContext } from '../../../client/controller.ts'
import { on } from '../../../client/watches.ts'
import type { CsiDriver } from '../driver.ts'
import type { Texts } from '../messages.ts'
import type { ControllerDrivers } from './drivers.ts'
import { classParameters } from './parameters.ts'
import { binary } from './provision-plan.ts'

const driverLabel = 'csi.storage.k8s.io/drivername'
const managedByLabel = 'csi.storage.k8s.io/managed-by'
const managedBy = 'wherry'
const namespace = 'kube-system'
/** external-provisioner --capacity-poll-interval */
const everyMs = 60_000

/** Tells the scheduler how much room drivers that ask for it have, for each class in each part of the cluster. */
export function csiCapacity(drivers: ControllerDrivers): Controller {
  const driversOf = (lister: ReconcileContext['lister']) =>
    lister(CSIDriver)
      .list()
      .filter(({ spec }) => spec.storageCapacity)
      .map(({ metadata }) => metadata.name)
  return {
    name: 'csi-capacity',
    watches: [
      on(CSIDriver, ({ object }) => [object.metadata.name]),
      on(StorageClass, ({ object }) => [(object as StorageClass).provisioner]),
      on(CSINode, (_, lister) => driversOf(lister)),
    ],
    reads: [Node, CSIStorageCapacity],
    writes: [CSIStorageCapacity],
    periodic: { everyMs, keys: driversOf },
    async reconcile(context, name) {
      const { lister, client } = context
      const driver = lister(CSIDriver).get(name)?.spec.storageCapacity ? drivers.find(name, lister) : undefined
      if (!driver || !(await driver.controllerCan('GET_CAPACITY'))) return
      const wanted = await measured(context, driver)
      const ours = lister(CSIStorageCapacity)
        .list()
        .filter(({ metadata: { labels } }) => labels?.[driverLabel] === name && labels[managedByLabel] === managedBy)
      for (const { metadata } of ours)
        if (!wanted.has(metadata.name)) await client.delete(CSIStorageCapacity, metadata).catch(ignore('NotFound'))
      for (const [id, object] of wanted) {
        const known = ours.find(({ metadata }) => metadata.name === id)
        if (known?.capacity === object.capacity && known?.maximumVolumeSize === object.maximumVolumeSize) continue
        const note = { rule: 'csi-capacity', text: `${name} has ${object.capacity} for class ${object.storageClassName}` }
        if (known) await client.update(CSIStorageCapacity, { ...known, ...object, metadata: known.metadata }, { note })
        else await client.create(CSIStorageCapacity, object, { note }).catch(ignore('AlreadyExists'))
      }
    },
  }
}

async function measured({ lister }: ReconcileContext, driver: CsiDriver) {
  const classes = lister(StorageClass)
    .list()
    .filter(({ provisioner }) => provisioner === driver.name)
  const objects = new Map<string, ReturnType<typeof capacityObject>>()
  for (const place of placesOf(lister, driver.name))
    for (const { metadata, parameters } of classes) {
      const nobody = { metadata: { name: '', namespace: '' } } as never
      const told = classParametersOrNone(parameters, nobody)
      const { availableCapacity = 0, maximumVolumeSize } = await driver.call('Controller/GetCapacity', {
        parameters: told,
        accessibleTopology: { segments: place },
      })
      const object = capacityObject(driver.name, metadata.name, place, availableCapacity, maximumVolumeSize?.value)
      objects.set(object.metadata.name, object)
    }
  return objects
}

/** Secrets of a class may need a claim to be worked out; room does not. */
function classParametersOrNone(parameters: Texts | undefined, claim: Parameters<typeof classParameters>[1]): Texts {
  const plain = Object.entries(parameters ?? {}).filter(([key]) => !key.startsWith('csi.storage.k8s.io/'))
  return classParameters(Object.fromEntries(plain), claim, '').driver
}

function placesOf(lister: ReconcileContext['lister'], driver: string): Texts[] {
  const places = new Map<string, Texts>()
  for (const { metadata, spec } of lister(CSINode).list()) {
    const keys = spec.drivers.find(({ name }) => name === driver)?.topologyKeys
    const labels = lister(Node).get(metadata.name)?.metadata.labels ?? {}
    if (!keys?.length || keys.some(key => labels[key] === undefined)) continue
    const place = Object.fromEntries(keys.map(key => [key, labels[key] ?? '']))
    places.set(JSON.stringify(place), place)
  }
  return [...places.values()]
}

function capacityObject(driver: string, storageClassName: string, place: Texts, bytes: number, largest: number | undefined) {
  const id = createHash('sha256')
    .update(JSON.stringify([driver, storageClassName, place]))
    .digest('hex')
    .slice(0, 16)
  return {
    metadata: { name: `csisc-${id}`, namespace, labels: { [driverLabel]: driver, [managedByLabel]: managedBy } },
    nodeTopology: { matchLabels: { ...place } },
    storageClassName,
    capacity: binary(bytes),
    ...(largest ? { maximumVolumeSize: binary(largest) } : {}),
  }
}
