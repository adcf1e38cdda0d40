import { createReadStream } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { plainText, Refused, send } from './answer.ts'
import { decoded, type Visit } from './visit.ts'

/** GET /logs/...: the folder of the node's logs, as lists of links and as files. Links that lead out of it lead nowhere. */
export async function nodeLogs({ response, path, query }: Visit, logsDir: string | undefined): Promise<void> {
  if (logsDir === undefined) throw new Refused(405, 'logs endpoint is disabled.\n')
  if (query.has('query')) throw new Refused(501, 'log queries (NodeLogQuery) are not supported\n')
  const missing = new Refused(404, '404 page not found\n')
  const wanted = decoded(path.slice('/logs'.length))
  if (wanted.includes('\0') || wanted.split('/').includes('..')) throw new Refused(400, 'invalid URL path\n')
  const root = await realpath(logsDir).catch(() => Promise.reject(missing))
  const found = await realpath(join(root, wanted)).catch(() => Promise.reject(missing))
  if (found !== root && !found.startsWith(`${root}${sep}`)) throw missing
  const about = await stat(found)
  if (about.isDirectory()) {
    if (!path.endsWith('/')) return void response.writeHead(301, { Location: `${path.split('/').at(-1)}/` }).end()
    return send(response, { code: 200, contentType: 'text/html; charset=utf-8', body: await listing(found) })
  }
  if (!about.isFile()) throw missing
  response.writeHead(200, { 'Content-Type': plainText, 'Content-Length': about.size, 'X-Content-Type-Options': 'nosniff' })
  if (about.size === 0) return void response.end()
  // A log grows while it is read: what was promised is sent and no more.
  const file = createReadStream(found, { end: about.size - 1 })
  file.on('error', () => response.destroy())
  response.once('close', () => file.destroy())
  file.pipe(response)
}

async function listing(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.map(entry => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort()
  const links = names.map(name => `<a href="${encodeURIComponent(name).replace(/%2F$/, '/')}">${escaped(name)}</a>\n`)
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join('')}</pre>\n`
}

const escaped = (text: string) => text.replace(/[&<>"']/g, sign => `&#${sign.charCodeAt(0)};`)
