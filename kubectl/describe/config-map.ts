import type { ConfigMap } from '../../api/core/config-map.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { annotations, heading, labels } from './parts.ts'

export const describeConfigMap: Describer<ConfigMap> = (map, around) => {
  const page = newPage()
  heading(page, map)
  labels(page, map)
  annotations(page, map.metadata.annotations)
  for (const line of ['', 'Data', '====']) page.line(0, line)
  for (const key of Object.keys(map.data ?? {}).sort()) {
    for (const line of [`${key}:`, '----', ...(map.data?.[key] ?? '').split('\n'), '']) page.line(0, line)
  }
  for (const line of ['', 'BinaryData', '====']) page.line(0, line)
  for (const key of Object.keys(map.binaryData ?? {}).sort()) {
    page.line(0, `${key}: ${Buffer.from(map.binaryData?.[key] ?? '', 'base64').length} bytes`)
  }
  page.line(0, '')
  events(page, around.events, around.now)
  return page.text()
}
