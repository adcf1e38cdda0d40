/** Runs work one after another for each key, in the order it was asked for; a failure holds nobody up. */
export function oneAtATime(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (key, work) => {
    const before = last.get(key)
    const mine = before ? before.then(work) : work()
    const quiet = mine.then(
      () => {},
      () => {},
    )
    last.set(key, quiet)
    void quiet.then(() => {
      if (last.get(key) === quiet) last.delete(key)
    })
    return mine
  }
}

/** Keeps what takes a pod's volumes away apart from what makes them. */
export interface PodTurns {
  /** Together with others of its kind, not while somebody is alone. */
  shared<T>(podUid: string, work: () => Promise<T>): Promise<T>
  /** After everything that has begun for the pod, and before what comes later. */
  alone<T>(podUid: string, work: () => Promise<T>): Promise<T>
}

export function podTurns(): PodTurns {
  const underWay = new Map<string, { shared: Set<Promise<unknown>>; alone: Promise<unknown> | undefined }>()

  const tracked = async <T>(podUid: string, kind: 'shared' | 'alone', work: () => Promise<T>): Promise<T> => {
    let turn = underWay.get(podUid)
    if (!turn) underWay.set(podUid, (turn = { shared: new Set(), alone: undefined }))
    const { alone, shared } = turn
    const before = kind === 'alone' ? Promise.all([alone, ...shared]) : alone
    const mine = before ? before.then(work) : work()
    const quiet = mine.then(
      () => {},
      () => {},
    )
    if (kind === 'alone') turn.alone = quiet
    else shared.add(quiet)
    try {
      return await mine
    } finally {
      shared.delete(quiet)
      if (turn.alone === quiet) turn.alone = undefined
      if (shared.size === 0 && !turn.alone && underWay.get(podUid) === turn) underWay.delete(podUid)
    }
  }

  return {
    shared: (podUid, work) => tracked(podUid, 'shared', work),
    alone: (podUid, work) => tracked(podUid, 'alone', work),
  }
}
