/** What a node can run short of (semantics C11). cpu is not among them: it is shared, not evicted for. */
export const signals = [
  'memory.available',
  'allocatableMemory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'containerfs.available',
  'containerfs.inodesFree',
  'pid.available',
] as const
export type Signal = (typeof signals)[number]

/** Quantities (`100Mi`) or percentages of the capacity (`10%`). */
export type Amounts = Readonly<Partial<Record<Signal, string>>>

export interface EvictionConfig {
  /** Below these the node acts at once. */
  readonly hard: Amounts
  /** Below these it acts once they have lasted for their grace period. */
  readonly soft: Amounts
  readonly softGraceInMs: Readonly<Partial<Record<Signal, number>>>
  /** The most that a pod gets to end after a soft threshold. */
  readonly maxPodGraceSeconds: number
  /** How far above a threshold the signal must be again before it counts as dealt with. */
  readonly minimumReclaim: Amounts
  /** How long the node stays closed after it was last short. */
  readonly transitionPeriodInMs: number
  readonly everyMs: number
  /**
   * So often while memory is near a threshold. Upstream lets the kernel ring (memory.usage_in_bytes with an eventfd), which needs a
   * system call that Node.js does not have.
   */
  readonly nearEveryMs: number
}

/** pkg/kubelet/apis/config/v1beta1/defaults_linux.go */
export const defaultEviction: EvictionConfig = {
  hard: {
    'memory.available': '100Mi',
    'nodefs.available': '10%',
    'nodefs.inodesFree': '5%',
    'imagefs.available': '15%',
    'imagefs.inodesFree': '5%',
  },
  soft: {},
  softGraceInMs: {},
  maxPodGraceSeconds: 0,
  minimumReclaim: {},
  transitionPeriodInMs: 300_000,
  everyMs: 10_000,
  nearEveryMs: 1000,
}
