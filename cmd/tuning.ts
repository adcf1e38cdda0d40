/**
 * How Node is started for a long-running cluster: a small young generation and one malloc arena keep the process small, for a few percent of
 * throughput. They must be set before the process starts.
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=4']
export const nodeEnv: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' }
