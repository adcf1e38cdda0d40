import type { KubeObject } from '../../api/transport.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage, type Page } from './page.ts'
import { annotations, labels } from './parts.ts'

const toldAlready = new Set([
  '.metadata.managedFields',
  '.metadata.name',
  '.metadata.namespace',
  '.metadata.labels',
  '.metadata.annotations',
])
const acronyms = new Set(['API', 'URL', 'UID', 'OSB', 'GUID'])

/** For kinds that nobody has written a description of: every field under a readable name. */
export const describeAnything: Describer<KubeObject> = (object, around) => {
  const page = newPage()
  page.line(0, `Name:\t${object.metadata.name}`)
  page.line(0, `Namespace:\t${object.metadata.namespace ?? ''}`)
  labels(page, object)
  annotations(page, object.metadata.annotations)
  fields(page, 0, object, '')
  events(page, around.events, around.now)
  return page.text()
}

function fields(page: Page, level: number, object: object, path: string): void {
  for (const [name, value] of Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const here = `${path}.${name}`
    if (toldAlready.has(here)) continue
    if (typeof value !== 'object' || value === null) {
      page.line(level, `${readable(name)}:\t${value === null ? '<nil>' : value}`)
      continue
    }
    page.line(level, `${readable(name)}:`)
    if (!Array.isArray(value)) fields(page, level + 1, value, here)
    for (const item of Array.isArray(value) ? value : []) {
      if (typeof item === 'object' && item !== null && !Array.isArray(item)) fields(page, level + 1, item, here)
      else page.line(level + 1, String(item))
    }
  }
}

/** `creationTimestamp` as `Creation Timestamp`; names with anything but letters stay as they are. */
export function readable(name: string): string {
  if (!/^[\p{L}-]+$/u.test(name)) return name
  const words = name.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|-/gu) ?? [name]
  return words
    .map(word => (acronyms.has(word.toUpperCase()) ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1)))
    .join(' ')
}
