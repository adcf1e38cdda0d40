import {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../api/admissionregistration/mutating-admission-policy.ts'
import {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../api/admissionregistration/validating-admission-policy.ts'
import type { MutatingWebhook, ValidatingWebhook } from '../api/admissionregistration/webhook.ts'
import {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../api/admissionregistration/webhook-configuration.ts'
import type { AnyKind } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import { type Run, runAll } from '../lib/run.ts'
import type { AdmissionStep } from './admission.ts'
import type { Authorizer } from './auth/authorizer.ts'
import { type Followed, type FollowOptions, followed } from './followed.ts'
import type { KindTable } from './kind-table.ts'
import { expressionCheck } from './policies/expression-check.ts'
import { policyStatus } from './policies/status.ts'
import { policySteps } from './policies/steps.ts'
import { type Registered, webhookSteps } from './webhooks/steps.ts'

export interface ExtensibleAdmissionOptions extends FollowOptions {
  readonly kinds: () => KindTable
  /** For expressions that ask it. */
  readonly authorizer?: Authorizer
}

/** The admission that users of the cluster add: webhooks and policies. */
export interface ExtensibleAdmission {
  /** In upstream's order, to come after every step of our own. */
  readonly steps: readonly AdmissionStep[]
  /** Follows the configurations. */
  readonly run: Run
  /** Resolves when they are known: before that nobody is asked. */
  readonly ready: Promise<void>
  /** Whether a configuration, by the plural of its kind and its name, is in effect yet. */
  knows(resource: string, name: string): boolean
}

/** `handle` may be a pipeline that is made later: it is first called by `run`. */
export function extensibleAdmission({ kinds, authorizer, ...options }: ExtensibleAdmissionOptions): ExtensibleAdmission {
  const mutatingWebhooks = followed(MutatingWebhookConfiguration, options)
  const validatingWebhooks = followed(ValidatingWebhookConfiguration, options)
  const writeStatus = policyStatus({ ...options, kinds })
  const validatingPolicies = followed(ValidatingAdmissionPolicy, options, (_name, policy) => policy && writeStatus(policy))
  const validatingBindings = followed(ValidatingAdmissionPolicyBinding, options)
  const mutatingPolicies = followed(MutatingAdmissionPolicy, options)
  const mutatingBindings = followed(MutatingAdmissionPolicyBinding, options)
  const equivalents = equivalentKinds(kinds)
  const policies = policySteps({
    mutating: derived([mutatingPolicies, mutatingBindings], () => bound(mutatingPolicies, mutatingBindings)),
    validating: derived([validatingPolicies, validatingBindings], () => bound(validatingPolicies, validatingBindings)),
    equivalents,
    authorizer,
    kinds,
  })
  const webhooks = webhookSteps({
    mutating: derived([mutatingWebhooks], () => registered<MutatingWebhook>(mutatingWebhooks)),
    validating: derived([validatingWebhooks], () => registered<ValidatingWebhook>(validatingWebhooks)),
    equivalents,
    authorizer,
  })
  const parts = [mutatingWebhooks, validatingWebhooks, validatingPolicies, validatingBindings, mutatingPolicies, mutatingBindings]
  return {
    steps: [expressionCheck, policies.mutating, webhooks.mutating, policies.validating, webhooks.validating],
    ready: Promise.all(parts.map(({ synced }) => synced)).then(() => {}),
    knows: (resource, name) => parts.some(part => part.name === resource && part.byKey.has(name)),
    run: signal =>
      runAll(
        parts.map(({ name, run }) => [name, run] as const),
        signal,
      ),
  }
}

/** Made again when one of its sources has changed. */
function derived<T>(sources: readonly Pick<Followed, 'version'>[], make: () => T): () => T {
  let version = -1
  let value: T
  return () => {
    let now = 0
    for (const source of sources) now += source.version
    if (now !== version) {
      value = make()
      version = now
    }
    return value
  }
}

const byName = <T extends KubeObject>({ byKey }: Followed<T>): readonly T[] =>
  [...byKey.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))

function registered<W>(
  configurations: Followed<KubeObject & { readonly webhooks?: readonly W[] | undefined }>,
): readonly Registered<W>[] {
  return byName(configurations).flatMap(({ metadata, webhooks = [] }) =>
    webhooks.map(webhook => ({ configuration: metadata.name, webhook })),
  )
}

/** Policies without a binding do nothing. */
function bound<P extends KubeObject, B extends KubeObject & { readonly spec: { readonly policyName?: string | undefined } }>(
  policies: Followed<P>,
  bindings: Followed<B>,
): readonly { readonly policy: P; readonly bindings: readonly B[] }[] {
  const all = byName(bindings)
  return byName(policies)
    .map(policy => ({ policy, bindings: all.filter(({ spec }) => spec.policyName === policy.metadata.name) }))
    .filter(({ bindings }) => bindings.length > 0)
}

/** The versions that are kept as another kind, by that kind. */
function equivalentKinds(kinds: () => KindTable): (kind: AnyKind) => readonly AnyKind[] {
  let version = -1
  let known = new Map<AnyKind, AnyKind[]>()
  const none: readonly AnyKind[] = []
  return kind => {
    const table = kinds()
    if (table.version !== version) {
      known = new Map()
      for (const other of table.all) {
        const kept = other.storedAs?.kind
        if (kept) known.set(kept, [...(known.get(kept) ?? []), other])
      }
      version = table.version
    }
    return known.get(kind) ?? none
  }
}
