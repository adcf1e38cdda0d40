import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { cachedDataVersionTag } from 'node:v8'
import { Script } from 'node:vm'

/** A bundle that has been run. */
export interface Program<Exports> {
  readonly exports: Exports
  /**
   * Keeps what V8 has compiled by now beside the bundle, so that the next process need not compile it again: a third of the time it takes
   * to start. Does nothing if this process had that already, or where the folder may not be written to.
   */
  keepCompiled(): Promise<void>
}

type Body = (exports: object, require: NodeRequire, module: { exports: object }, filename: string, dirname: string) => void

/** Runs a bundle: the function that CommonJS would put around it, in ASCII, under a name that changes with its text. */
export function runProgram<Exports extends object>(file: string): Program<Exports> {
  // What is kept holds for one V8 with one set of flags. V8 refuses what does not fit; it takes a text's word for being the same.
  const kept = `${file}.${cachedDataVersionTag().toString(36)}`
  const cachedData = compiledBefore(kept)
  const script = new Script(readFileSync(file, 'latin1'), { filename: file, ...(cachedData && { cachedData }) })
  const isKept = cachedData !== undefined && script.cachedDataRejected === false
  const module = { exports: {} }
  const body = script.runInThisContext() as Body
  body(module.exports, createRequire(file), module, file, dirname(file))
  return {
    exports: module.exports as Exports,
    async keepCompiled() {
      if (isKept) return
      const draft = `${kept}.${process.pid}`
      try {
        await writeFile(draft, script.createCachedData(), { flush: true })
        await rename(draft, kept)
      } catch {
        // A start that takes longer is no reason to complain.
      }
    },
  }
}

function compiledBefore(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
