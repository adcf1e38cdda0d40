import type { Controller } from '../../../client/controller.ts'
import { csiAttacher } from './attacher.ts'
import { csiCapacity } from './capacity.ts'
import type { ControllerDrivers } from './drivers.ts'
import { csiProvisioner } from './provisioner.ts'
import { csiResizer } from './resizer.ts'

/** What speaks to drivers' Controller services for the whole cluster; upstream ships these as sidecars of each driver. */
export function csiSidecars(drivers: ControllerDrivers): readonly Controller[] {
  return [csiAttacher(drivers), csiProvisioner(drivers), csiResizer(drivers), csiCapacity(drivers)]
}
