import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

const exec = promisify(execFile)

/** Runs a command; answers what it printed. Throws with what it said when it fails. */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
  try {
    return (await exec(command, args, { maxBuffer: 64 * 2 ** 20 })).stdout
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }
    throw new Error(`${command} ${args.join(' ')}: ${stderr.trim() || message}`)
  }
}

/** The same, of a command that may fail. */
export const attempt = (command: string, ...args: readonly string[]): Promise<string> => run(command, ...args).catch(() => '')

const folders = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin')
const isThere = (program: string) => folders.some(folder => existsSync(`${folder}/${program}`))

/** Why hosts cannot be made on this machine; undefined: they can. */
export async function whyNoHosts(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may make network namespaces'
  const missing = ['ip', 'nsenter', 'dockerd', 'iptables', 'bridge'].filter(program => !isThere(program))
  if (missing.length > 0) return `these programs are missing: ${missing.join(', ')}`
  const trial = `wt-trial-${process.pid}`
  try {
    await run('ip', 'netns', 'add', trial)
    await run('ip', 'netns', 'exec', trial, 'ip', 'link', 'add', 'wtb0', 'type', 'bridge')
    return undefined
  } catch (error) {
    return `network namespaces cannot be made here: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    await attempt('ip', 'netns', 'delete', trial)
  }
}
