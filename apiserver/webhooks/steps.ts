import type { MutatingWebhook, ValidatingWebhook } from '../../api/admissionregistration/webhook.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { AdmissionContext, AdmissionStep, Attempt } from '../admission.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { webhookCaller } from './caller.ts'
import { type Asking, applyVerdict, ask, internal } from './calls.ts'
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
    for (const [index, { configuration, webhook }] of options.mutating().entries()) {
      const subject = await concerned(attempt, webhook, context)
      if (!subject) continue
      const key = `webhook ${configuration} ${webhook.name}`
      const round = reinvocationOf(attempt)
      if (round.isSecondRound && !round.again.has(key)) continue
      const told = notes(attempt, configuration, webhook.name, `round_${round.isSecondRound ? 1 : 0}_index_${index}`)
      let mutated = false
      try {
        const verdict = await ask(askerOf(context), webhook, attempt, subject, true)
        if (!verdict) told.failedOpen()
        else mutated = await applyVerdict(attempt, webhook, subject, { ...verdict, told: told.patch })
      } finally {
        told.mutation(mutated)
      }
      if (mutated) wasChanged(attempt)
      if (webhook.reinvocationPolicy === 'IfNeeded') round.heard.add(key)
    }
  }

  async function validate(attempt: Attempt, context: AdmissionContext): Promise<void> {
    const asked: (() => Promise<unknown>)[] = []
    const names: string[] = []
    for (const { webhook } of options.validating()) {
      const subject = await concerned(attempt, webhook, context)
      if (subject) asked.push(() => ask(askerOf(context), webhook, attempt, subject, false))
      if (subject) names.push(webhook.name)
    }
    const answers = await Promise.allSettled(asked.map(start => start()))
    for (const [index, answer] of answers.entries()) {
      if (answer.status === 'fulfilled' && !answer.value) {
        attempt.annotate?.(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`, names[index] ?? '')
      }
    }
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

/** What the audit log says about one call of a mutating webhook (k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go). */
function notes({ annotate }: Attempt, configuration: string, webhook: string, place: string) {
  return {
    failedOpen: () => annotate?.(`failed-open.mutation.webhook.admission.k8s.io/${place}`, webhook),
    mutation: (mutated: boolean) =>
      annotate?.(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify({ configuration, webhook, mutated })),
    patch(patch: unknown): void {
      const value = annotate && JSON.stringify({ configuration, webhook, patch, patchType: 'JSONPatch' })
      if (value) annotate(`patch.webhook.admission.k8s.io/${place}`, value, 'Request')
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
