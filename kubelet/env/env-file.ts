import { open } from 'node:fs/promises'
import { SyncError } from '../sync/sync-error.ts'
import { held, openBelow } from '../volumes/safe-path.ts'

const maxKey = 128
const maxValue = 32 * 1024
/** A file of variables that is bigger than this is none. */
const maxFile = 1024 * 1024

export interface FileKeyRef {
  readonly volumeName: string
  readonly path: string
  readonly key: string
  readonly optional?: boolean | undefined
}

/**
 * One variable of an environment file in a volume; `undefined`: it is optional and not there. Symbolic links cannot lead out of the
 * volume. Throws SyncError (semantics C13, pkg/kubelet/kubelet_pods.go).
 */
export async function fileValue(
  { volumeName, path, key, optional }: FileKeyRef,
  folder: string | undefined,
): Promise<string | undefined> {
  const refuse = (message: string) => new SyncError('CreateContainerConfigError', message)
  if (folder === undefined) throw refuse(`cannot find the volume "${volumeName}" referenced by FileKeyRef`)
  if (key.length > maxKey) throw refuse(`environment variable key "${key}" exceeds maximum length of ${maxKey} characters`)
  let value: string | undefined
  try {
    value = variableIn(await textOf(folder, path), key)
  } catch {
    // Also an optional file has to be there, as upstream: what it lacks is only the key.
    throw refuse("couldn't parse env file")
  }
  if (value && Buffer.byteLength(value) > maxValue)
    throw refuse(`environment variable value for key "${key}" exceeds maximum size of 32KB`)
  if (value || optional) return value || undefined
  throw refuse(`environment variable key "${key}" not found in file "${path}"`)
}

async function textOf(folder: string, path: string): Promise<string> {
  const handle = await openBelow(folder, path)
  try {
    const file = await open(held(handle), 'r')
    try {
      const { size } = await file.stat()
      if (size > maxFile) throw new Error('too big')
      return (await file.readFile()).toString()
    } finally {
      await file.close()
    }
  } finally {
    await handle.close()
  }
}

/**
 * The value of a variable in a file of `NAME=value` lines: `#` starts a comment, a `\` at the end of a line goes on in the next one
 * (pkg/kubelet/util/env). `undefined`: no such variable. Throws an Error for a line that says something else.
 */
export function variableIn(text: string, key: string): string | undefined {
  let begun: string | undefined
  for (const [i, raw] of text.replace(/\n$/, '').split(/\r?\n/).entries()) {
    const line = raw.replace(/^[ \t]+|[ \t]+$/g, '')
    if (line === '' || line.startsWith('#')) {
      if (begun === undefined) continue
      throw new Error(
        `invalid environment variable format at line ${i + 1}: ${line === '' ? 'blank line' : 'comment'} in continuation`,
      )
    }
    const joined: string = begun === undefined ? line : `${begun} ${line}`
    if (joined.endsWith('\\')) {
      begun = joined.slice(0, -1).replace(/[ \t]+$/, '')
      continue
    }
    begun = undefined
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(joined) ?? []
    if (name.trim() === '') throw new Error(`invalid environment variable format at line ${i + 1}`)
    if (name.trim() === key) return value.trim()
  }
  if (begun !== undefined) throw new Error('unexpected end of file: unfinished line continuation')
  return undefined
}
