import type { CommandContext } from '../command.ts'
import { changePods } from './pod-template.ts'

/** `set serviceaccount deploy/web NAME`. */
export async function setServiceAccount(context: CommandContext, words: readonly string[]): Promise<number> {
  const account = words.at(-1)
  if (account === undefined || words.length < 2) throw new Error('serviceaccount is required')
  return changePods(context, {
    words: words.slice(0, -1),
    outcome: 'serviceaccount updated',
    change(spec) {
      spec.serviceAccountName = account
    },
  })
}
