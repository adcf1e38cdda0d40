import type { AnyKind } from '../api/kind.ts'
import type { AdmissionContext, AdmissionStep } from './admission.ts'
import type { Commits } from './commit.ts'

/** Commits that tell the admission steps which reserve something (`stored`) when what they let through is stored. */
export function announced(inner: Commits, steps: readonly AdmissionStep[], context: AdmissionContext): Commits {
  const hearing = new Map<AnyKind, AdmissionStep[]>()
  for (const step of steps) {
    if (!step.stored) continue
    for (const kind of step.kinds ?? []) hearing.set(kind, [...(hearing.get(kind) ?? []), step])
  }
  const announce: Commits['put'] = async (request, kind, draft, old) => {
    const written = await inner.put(request, kind, draft, old)
    if (written) for (const step of hearing.get(kind) ?? []) step.stored?.(draft, context)
    return written
  }
  // Hardly any kind has somebody who wants to hear: the others pay nothing.
  return {
    remove: inner.remove,
    put: (request, kind, draft, old) => (hearing.has(kind) ? announce : inner.put)(request, kind, draft, old),
  }
}
