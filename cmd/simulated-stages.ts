import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { readStageList, StageFault, type StageList } from '../api/simulation/stages.ts'
import { UsageError } from './flags.ts'

/** The stages in a file of YAML or JSON. Throws a UsageError that says what is wrong with it, and where. */
export async function stagesFile(path: string): Promise<StageList> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--simulated-stages: ${path} cannot be read (${error.code})`)
  })
  try {
    return readStageList(parse(text), `--simulated-stages ${path}`)
  } catch (error) {
    if (error instanceof StageFault) throw new UsageError(error.message)
    throw new UsageError(`--simulated-stages: ${path} is no YAML: ${error instanceof Error ? error.message : String(error)}`)
  }
}
