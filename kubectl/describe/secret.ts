import type { Secret } from '../../api/core/secret.ts'
import type { Describer } from './around.ts'
import { page as newPage } from './page.ts'
import { annotations, heading, labels } from './parts.ts'

/** Tells how long each value is, and only of a service account's token what it is. */
export const describeSecret: Describer<Secret> = secret => {
  const page = newPage()
  heading(page, secret)
  labels(page, secret)
  annotations(page, secret.metadata.annotations)
  page.line(0, '')
  page.line(0, `Type:\t${secret.type}`)
  for (const line of ['', 'Data', '====']) page.line(0, line)
  for (const key of Object.keys(secret.data ?? {}).sort()) {
    const value = Buffer.from(secret.data?.[key] ?? '', 'base64')
    const isToken = key === 'token' && secret.type === 'kubernetes.io/service-account-token'
    page.line(0, `${key}:\t${isToken ? value.toString('utf8') : `${value.length} bytes`}`)
  }
  return page.text()
}
