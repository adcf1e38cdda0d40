// How Node is started for a cluster. One malloc arena and a small young generation keep the process small; scavenging on one thread does not stall
// when the cores are busy. The same stands in the first line of wherry.mjs.
export const nodeFlags = ['--max-semi-space-size=8', '--no-parallel-scavenge']
export const nodeEnv = { MALLOC_ARENA_MAX: '1' }
