// How Node is started for a cluster. One malloc arena keeps the process small; so does a young generation no larger than this, below which
// ten thousand pods at once take a tenth longer to start and to go; scavenging on one thread does not stall when the cores are busy. The
// same stands in the first line of wherry.mjs.
export const nodeFlags = ['--max-semi-space-size=32', '--no-parallel-scavenge']
export const nodeEnv = { MALLOC_ARENA_MAX: '1' }
