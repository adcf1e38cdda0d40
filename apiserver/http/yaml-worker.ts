import { parentPort, workerData } from 'node:worker_threads'
import type { YamlBody } from './yaml-body.ts'

/** A text to read, for a thread that runs this file. */
export interface YamlTask {
  readonly text: string
  readonly findsDuplicates: boolean
  /** What it says may be written as JSON in so many bytes: aliases can make much of little. */
  readonly longest: number
}

/** What came of it: JSON, as that is quicker to hand over than the value, or what is wrong with the text. */
export interface YamlResult {
  readonly json?: string | undefined
  readonly duplicates?: string | undefined
  readonly error?: string
}

/** Where this file is, for a thread to begin with: in a bundle only the file itself knows. */
export const entry = import.meta.url

/** What a thread is told to be, so that others who load this file are not taken for one. */
export const role = 'wherry YAML reader'

if (parentPort && workerData === role) {
  const port = parentPort
  void import('./yaml-body.ts').then(({ readYaml }) =>
    port.on('message', (task: YamlTask) => port.postMessage(perform(task, readYaml))),
  )
}

function perform(
  { text, findsDuplicates, longest }: YamlTask,
  readYaml: (text: string, findsDuplicates: boolean) => YamlBody,
): YamlResult {
  try {
    const { value, duplicates } = readYaml(text, findsDuplicates)
    const json = JSON.stringify(value)
    if (json && json.length > longest) return { error: `with its aliases written out, the text is longer than ${longest} bytes` }
    return { json, duplicates }
  } catch (cause) {
    return { error: (cause as Error).message }
  }
}
