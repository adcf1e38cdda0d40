import type { CsiDriver } from './driver.ts'

/** The drivers that are registered at present. */
export interface CsiDrivers {
  /** Throws, in upstream's words, where there is none of the name. */
  get(name: string): CsiDriver
  find(name: string): CsiDriver | undefined
  list(): readonly CsiDriver[]
  /** Takes the place of one of the same name. */
  add(driver: CsiDriver): void
  remove(driver: CsiDriver): void
  /** Told the name of a driver that has come. */
  onAdd(listener: (name: string) => void): () => void
}

export function csiDrivers(): CsiDrivers {
  const byName = new Map<string, CsiDriver>()
  const listeners = new Set<(name: string) => void>()
  return {
    get(name) {
      const driver = byName.get(name)
      if (!driver) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`)
      return driver
    },
    find: name => byName.get(name),
    list: () => [...byName.values()],
    add(driver) {
      byName.get(driver.name)?.close()
      byName.set(driver.name, driver)
      for (const listener of listeners) listener(driver.name)
    },
    remove(driver) {
      if (byName.get(driver.name) === driver) byName.delete(driver.name)
      driver.close()
    },
    onAdd(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
