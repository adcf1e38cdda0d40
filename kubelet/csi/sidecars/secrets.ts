import { Secret } from '../../../api/core/secret.ts'
import type { ReconcileContext } from '../../../client/controller.ts'
import type { Texts } from '../messages.ts'

/** The texts of a secret that a volume or a class refers to; none where there is no reference. */
export async function secretTexts(
  { client }: Pick<ReconcileContext, 'client'>,
  ref: { readonly name?: string | undefined; readonly namespace?: string | undefined } | undefined,
): Promise<Texts> {
  if (!ref?.name) return {}
  const { data = {} } = await client.get(Secret, { name: ref.name, namespace: ref.namespace })
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}
