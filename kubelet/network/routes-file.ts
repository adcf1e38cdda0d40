import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The destinations of the routes that we have made, written down by an earlier run perhaps; a file that cannot be read says nothing. */
export async function knownRoutes(path: string): Promise<string[]> {
  try {
    const { routes } = JSON.parse(await readFile(path, 'utf8')) as { routes?: unknown }
    return Array.isArray(routes) ? routes.filter((route): route is string => typeof route === 'string') : []
  } catch {
    return []
  }
}

/** Writes them down, if they are others than before. */
export async function keepRoutes(path: string, routes: readonly string[]): Promise<void> {
  const sorted = [...routes].sort()
  if (sorted.join() === (await knownRoutes(path)).sort().join()) return
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.draft`, `${JSON.stringify({ routes: sorted })}\n`)
  await rename(`${path}.draft`, path)
}
