import type { MutatingWebhook, ValidatingWebhook } from '../../api/admissionregistration/webhook.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { AdmissionContext, AdmissionStep, Attempt } from '../admission.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { applyVerdict, ask, type Asking, internal } from './calls.ts'
import { webhookCaller } from './caller.ts'
import { isExempt, matchingKind, type Subject, subjectOf } from './matching.ts'
import { reinvocationOf, wasChanged } from './reinvocation.ts'

/** A webhook and the configuration it is from. */
export interface Registered<W> {
  readonly configuration: string
  readonly webhook: W
}

export interface WebhookOptions {
  /** In the order of their configurations' names. */
  readonly mutating: () => readonly Registered<MutatingWebhook>[]
  readonly validating: () => readonly Registered<ValidatingWebhook>[]
  readonly equivalents: (kind: AnyKind) => readonly AnyKind[]
  readonly authorizer: Authorizer | undefined
}

const operations = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const

/** The two steps that ask webhooks: those that change objects one after the other, those that judge them all at once. */
export function webhookSteps(options: WebhookOptions): { mutating: AdmissionStep; validating: AdmissionStep } {
  const askers = new WeakMap<AdmissionContext, Asking>()
  const askerOf = (context: AdmissionContext) => {
    let asking = askers.get(context)
    if (!asking) askers.set(context, (asking = { call: webhookCaller(context), random: context.random }))
    return asking
  }
  const concerned = (attempt: Attempt, webhook: MutatingWebhook | ValidatingWebhook, { access }: AdmissionContext) =>
    concern(attempt, webhook, { access, equivalents: options.equivalents, authorizer: options.authorizer })

  async function mutate(attempt: Attempt, context: AdmissionContext): Promise<void> {
    for (const { configuration, webhook } of options.mutating()) {
      const subject = await concerned(attempt, webhook, context)
      if (!subject) continue
      const key = `webhook ${configuration} ${webhook.name}`
      const round = reinvocationOf(attempt)
      if (round.isSecondRound && !round.again.has(key)) continue
      const verdict = await ask(askerOf(context), webhook, attempt, subject, true)
      if (verdict && (await applyVerdict(attempt, webhook, subject, verdict))) wasChanged(attempt)
      if (webhook.reinvocationPolicy === 'IfNeeded') round.heard.add(key)
    }
  }

  async function validate(attempt: Attempt, context: AdmissionContext): Promise<void> {
    const asked: (() => Promise<unknown>)[] = []
    for (const { webhook } of options.validating()) {
      const subject = await concerned(attempt, webhook, context)
      if (subject) asked.push(() => ask(askerOf(context), webhook, attempt, subject, false))
    }
    const answers = await Promise.allSettled(asked.map(start => start()))
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
  }

  return {
    mutating: {
      name: 'MutatingAdmissionWebhook',
      operations,
      subresources: 'all',
      admit: (attempt, context) =>
        options.mutating().length === 0 || isExempt(attempt.kind) ? undefined : mutate(attempt, context),
    },
    validating: {
      name: 'ValidatingAdmissionWebhook',
      operations,
      subresources: 'all',
      check: (attempt, context) =>
        options.validating().length === 0 || isExempt(attempt.kind) ? undefined : validate(attempt, context),
    },
  }
}

type Context = Parameters<typeof matchingKind>[2] & { readonly authorizer: Authorizer | undefined }

/** What a webhook is to be shown; undefined if the request is none of its business. */
async function concern(
  attempt: Attempt,
  webhook: MutatingWebhook | ValidatingWebhook,
  context: Context,
): Promise<Subject | undefined> {
  const kind = await matchingKind(attempt, webhook, context)
  if (!kind) return undefined
  const subject = await subjectOf(attempt, kind)
  if (!webhook.matchConditions?.length) return subject
  const { meetsConditions, requestVariables } = await import('../policies/expressions.ts')
  const { authorizer } = context
  const { matches, error } = await meetsConditions(webhook, requestVariables, { attempt, subject, authorizer })
  if (error !== undefined) throw internal(error)
  return matches ? subject : undefined
}
