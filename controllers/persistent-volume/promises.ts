/** Volumes that are about to be bound: of claims handled at the same time each shall go for one of its own. */
export interface Promises {
  /** Whether a volume is promised to nobody else. */
  isOpenTo(claimKey: string, volumeName: string): boolean
  /** Promises a volume to a claim while something is done. */
  during<T>(claimKey: string, volumeName: string, act: () => Promise<T>): Promise<T>
}

/** Only spares conflicts. What keeps two claims from one volume is that each write names the version it replaces. */
export function promises(): Promises {
  const promised = new Map<string, string>()
  return {
    isOpenTo: (claimKey, volumeName) => (promised.get(volumeName) ?? claimKey) === claimKey,
    async during(claimKey, volumeName, act) {
      promised.set(volumeName, claimKey)
      try {
        return await act()
      } finally {
        if (promised.get(volumeName) === claimKey) promised.delete(volumeName)
      }
    },
  }
}
