import type { Secret } from '../../api/core/secret.ts'
import type { ServiceAccount } from '../../api/core/service-account.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { annotations, heading, labels } from './parts.ts'

export const describeServiceAccount: Describer<ServiceAccount> = async (account, around) => {
  const { metadata, imagePullSecrets = [], secrets = [] } = account
  const existing = await around.list<Secret>('secrets', metadata.namespace).catch(() => undefined)
  const isMissing = (name: string) => existing !== undefined && !existing.some(secret => secret.metadata.name === name)
  const tokens = (existing ?? []).filter(
    secret =>
      secret.type === 'kubernetes.io/service-account-token' &&
      secret.metadata.annotations?.['kubernetes.io/service-account.name'] === metadata.name &&
      secret.metadata.annotations['kubernetes.io/service-account.uid'] === metadata.uid,
  )
  const page = newPage()
  heading(page, account)
  labels(page, account)
  annotations(page, metadata.annotations)
  for (const [title, names] of [
    ['Image pull secrets:', imagePullSecrets.map(({ name }) => name ?? '')],
    ['Mountable secrets: ', secrets.map(({ name }) => name ?? '')],
    ['Tokens:            ', tokens.map(token => token.metadata.name)],
  ] as const) {
    if (names.length === 0) page.line(0, `${title}\t<none>`)
    names.forEach((name, i) => {
      page.line(0, `${i === 0 ? title : ' '.repeat(title.length)}\t${name}${isMissing(name) ? ' (not found)' : ''}`)
    })
  }
  events(page, around.events, around.now)
  return page.text()
}
