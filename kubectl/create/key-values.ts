import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type CommandContext, flag } from '../command.ts'
import type { FlagSpecs } from '../flags.ts'

export const sourceFlags = {
  'from-literal': { type: 'list', help: 'A key and its value: color=blue', placeholder: 'KEY=VALUE' },
  'from-file': { type: 'list', help: 'A file, under its name or KEY=; or all files of a folder', placeholder: '[KEY=]PATH' },
  'from-env-file': { type: 'list', help: 'A file of lines KEY=VALUE', placeholder: 'PATH' },
  'append-hash': { type: 'bool', help: 'Put a hash of what is in it at the end of its name' },
} as const satisfies FlagSpecs

/**
 * The entries that `--from-literal`, `--from-file` and `--from-env-file` name, as bytes; a file without a key gets `usualKey`, or its own name.
 * Throws at a key that comes twice.
 */
export async function keyValues(context: CommandContext, usualKey?: string): Promise<Map<string, Buffer>> {
  const entries = new Map<string, Buffer>()
  const add = (key: string, value: Buffer) => {
    if (!/^[-._a-zA-Z0-9]+$/.test(key)) {
      throw new Error(
        `"${key}" is not a valid key name: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
      )
    }
    if (entries.has(key)) throw new Error(`cannot add key "${key}", another key by that name already exists`)
    entries.set(key, value)
  }
  for (const source of flag.list(context, 'from-literal')) {
    const equals = source.indexOf('=')
    if (equals <= 0) throw new Error(`invalid literal source ${source}, expected key=value`)
    add(source.slice(0, equals), Buffer.from(unquoted(source.slice(equals + 1))))
  }
  for (const source of flag.list(context, 'from-file')) {
    const named = usualKey === undefined || source.includes('=') ? source : `${usualKey}=${source}`
    for (const [key, value] of await filesOf(named)) add(key, value)
  }
  for (const path of flag.list(context, 'from-env-file')) {
    for (const [key, value] of envLines(await readFile(path, 'utf8').catch(unreadable(path)), context.io.env))
      add(key, Buffer.from(value))
  }
  return entries
}

const unquoted = (text: string) => /^'(.*)'$|^"(.*)"$/s.exec(text)?.slice(1).find(Boolean) ?? text

async function filesOf(source: string): Promise<[string, Buffer][]> {
  const equals = source.indexOf('=')
  const path = source.slice(equals + 1)
  if (equals === 0) throw new Error(`key name for file path ${path} missing`)
  if (path === '') throw new Error(`file path for key name ${source.slice(0, equals)} missing`)
  const about = await stat(path).catch(unreadable(path))
  if (!about.isDirectory()) return [[equals < 0 ? basename(path) : source.slice(0, equals), await readFile(path)]]
  if (equals > 0) throw new Error(`cannot give a key name for a directory path`)
  const names = (await readdir(path, { withFileTypes: true })).filter(
    entry => entry.isFile() && /^[-._a-zA-Z0-9]+$/.test(entry.name),
  )
  return Promise.all(names.map(async ({ name }): Promise<[string, Buffer]> => [name, await readFile(join(path, name))]))
}

/** `KEY=VALUE` lines; a line without `=` takes its value from the environment; comments and empty lines are passed over. */
export function envLines(text: string, env: Readonly<Record<string, string | undefined>>): [string, string][] {
  return text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const content = line.replace(/^\uFEFF?\s+/, '')
    if (content === '' || content.startsWith('#')) return []
    const equals = content.indexOf('=')
    const key = equals < 0 ? content : content.slice(0, equals)
    if (!/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(key)) throw new Error(`"${key}" is not a valid key name`)
    if (equals >= 0) return [[key, content.slice(equals + 1)]]
    const value = env[key]
    return value === undefined ? [] : [[key, value]]
  })
}

function unreadable(path: string): (error: NodeJS.ErrnoException) => never {
  return error => {
    throw new Error(`error reading ${path}: ${error.code === 'ENOENT' ? 'no such file or directory' : error.message}`)
  }
}

/** Whether bytes are text that survives as a string. */
export function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)
}
