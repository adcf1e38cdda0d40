import { CSIDriver } from '../../../api/storage/csi-driver.ts'
import type { ListerOf } from '../../../client/controller.ts'
import type { CsiDriver } from '../driver.ts'

/** The drivers of all kubelets of this process, for what is done once for the whole cluster. */
export interface ControllerDrivers {
  /** The one whose Controller service is to be asked; undefined: it is not here, or not ours to ask. */
  find(name: string, lister: ListerOf): CsiDriver | undefined
}

/** On a CSIDriver object: `external` leaves the driver to sidecars that its user brings. */
export const sidecarsAnnotation = 'wherry.dev/csi-sidecars'

/** `all`: every driver that is registered with some kubelet here, in a settled order. */
export function controllerDrivers(all: () => readonly CsiDriver[]): ControllerDrivers {
  return {
    find(name, lister) {
      if (lister(CSIDriver).get(name)?.metadata.annotations?.[sidecarsAnnotation] === 'external') return undefined
      return all().find(driver => driver.name === name)
    },
  }
}
