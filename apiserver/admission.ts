import type { AnyKind } from '../api/kind.ts'
import type { CallOptions, KubeObject } from '../api/transport.ts'
import type { UserInfo } from '../api/user.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { Access } from './access.ts'
import type { Commits } from './commit.ts'
import type { AnyDraft } from './decode-body.ts'
import type { Annotate } from './request.ts'

/** A write on its way in, as admission sees it. */
export interface Attempt {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly kind: AnyKind
  readonly namespace: string | undefined
  /** The name on the request; a create may not have one yet. */
  readonly name: string | undefined
  readonly subresource: string | undefined
  readonly user: UserInfo
  readonly isDryRun: boolean
  /** The query parameters, or the body of a DELETE. */
  readonly options: CallOptions
  /** Steps may change it in `admit`, not in `check`. Of a DELETE: the object that goes; of a CONNECT: its options. */
  readonly object: AnyDraft
  /** What the object is, where a subresource takes something else than the kind: Eviction, Scale. Never converted. */
  readonly objectKind?: AnyKind
  readonly old: KubeObject | undefined
  /** What the client is to be told beside the answer; steps add to it. */
  readonly warnings: string[]
  /** Adds to what the audit log says about the request; absent: nobody writes it down. */
  readonly annotate?: Annotate | undefined
  /** Set by those who change objects from outside: whether everybody has to look once more, and whether that is now. */
  reinvocation?: Reinvocation
}

/** A second round of `admit`, because the object was changed after some had looked at it (k8s.io/apiserver/pkg/admission/reinvocation.go). */
export interface Reinvocation {
  isWanted: boolean
  isSecondRound: boolean
  /** Those who have asked to be heard again if others change the object after them, and those for whom that is the case. */
  readonly heard: Set<string>
  readonly again: Set<string>
}

/** What steps may use beside the attempt itself. */
export interface AdmissionContext {
  readonly access: Access
  /** For what goes along with a write: the charge to a quota. */
  readonly commits: Commits
  readonly clock: Clock
  readonly random: Random
  /** Whether somebody issues tokens that pods could mount. */
  readonly projectsTokens: boolean
}

/**
 * One rule that the cluster, not the kind, imposes on writes. `admit` completes an object before it is validated, `check`
 * refuses it afterwards; both refuse by throwing an ApiError. What the server hands out (addresses) it hands out in `check`, when
 * the object is otherwise as it will be.
 */
export interface AdmissionStep {
  readonly name: string
  /** The kinds it is about; absent: all. */
  readonly kinds?: readonly AnyKind[]
  readonly operations: readonly Attempt['operation'][]
  /** Subresources it is about as well; absent: none. */
  readonly subresources?: readonly string[] | 'all'
  admit?(attempt: Attempt, context: AdmissionContext): Promise<void> | void
  check?(attempt: Attempt, context: AdmissionContext): Promise<void> | void
  /** After everybody's `check`, so that what only a write may cost is not charged for one that somebody else refuses. May refuse too. */
  charge?(attempt: Attempt, context: AdmissionContext): Promise<void> | void
  /** Hears when an object of `kinds` has been stored: what was reserved for it need not be kept in mind any more. */
  stored?(object: AnyDraft, context: AdmissionContext): void
}

/** The steps that concern a write, in order. Promises only where a step has to wait. */
export interface Admission {
  admit(attempt: Attempt): Promise<void> | void
  /** `check` of all steps, then `charge` of all. */
  check(attempt: Attempt): Promise<void> | void
}

type Phase = 'admit' | 'check' | 'charge'

export function admissionChain(steps: readonly AdmissionStep[], context: AdmissionContext): Admission {
  const run = (phase: Phase, goOn?: (attempt: Attempt) => Promise<void> | void) => {
    const stepsFor = concerned(steps.filter(step => step[phase]))
    const runFrom = (at: number, attempt: Attempt): Promise<void> | void => {
      const concerning = stepsFor(attempt)
      for (let next = at; next < concerning.length; next++) {
        const done = concerning[next]?.[phase]?.(attempt, context)
        if (done) return done.then(() => runFrom(next + 1, attempt))
      }
      return goOn?.(attempt)
    }
    return (attempt: Attempt) => runFrom(0, attempt)
  }
  const admitAgain = run('admit')
  const admit = run('admit', attempt => {
    const { reinvocation } = attempt
    if (!reinvocation?.isWanted) return undefined
    reinvocation.isSecondRound = true
    return admitAgain(attempt)
  })
  return { admit, check: run('check', run('charge')) }
}

/** Which steps a write concerns. Found once for each sort of write: there are many steps, and writes come by the thousand. */
function concerned(steps: readonly AdmissionStep[]): (attempt: Attempt) => readonly AdmissionStep[] {
  const found = new WeakMap<AnyKind, Map<string, readonly AdmissionStep[]>>()
  const concerns = (step: AdmissionStep, { operation, kind, subresource }: Attempt) =>
    step.operations.includes(operation) &&
    (!step.kinds || step.kinds.includes(kind)) &&
    (subresource === undefined || step.subresources === 'all' || step.subresources?.includes(subresource) === true)
  return attempt => {
    const { operation, kind, subresource } = attempt
    let ofKind = found.get(kind)
    if (!ofKind) found.set(kind, (ofKind = new Map()))
    const sort = subresource === undefined ? operation : `${operation}/${subresource}`
    let known = ofKind.get(sort)
    if (!known) ofKind.set(sort, (known = steps.filter(step => concerns(step, attempt))))
    return known
  }
}
