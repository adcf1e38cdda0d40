import { readFile } from 'node:fs/promises'
import type { SchedulerConfiguration } from '../api/scheduler-config/configuration.ts'
import { UsageError } from './flags.ts'

/** The KubeSchedulerConfiguration in a file of YAML or JSON. Throws a UsageError that says what is wrong with it. */
export async function readSchedulerConfig(flag: string, path: string): Promise<SchedulerConfiguration> {
  const [{ parse }, { parseSchedulerConfiguration }] = await Promise.all([
    import('yaml'),
    import('../api/scheduler-config/configuration.ts'),
  ])
  try {
    return parseSchedulerConfiguration(parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw new UsageError(`--${flag} ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
