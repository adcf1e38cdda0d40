import type { KubeObject } from '../../api/transport.ts'
import { deepEqual } from '../../lib/json.ts'
import type { AnyDraft } from '../decode-body.ts'
import type { ManagedEntry } from './managed.ts'

interface Managed {
  managedFields?: readonly ManagedEntry[]
}

/**
 * When nothing but the times of managedFields would change, nothing has happened: puts the stored entries back
 * (k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager/equality.go). Changes the draft.
 */
export function keepTimes(draft: AnyDraft, old: KubeObject): void {
  const managed = draft.metadata as Managed
  const { managedFields: before } = old.metadata as Managed
  const { managedFields: entries } = managed
  if (!before || !entries || entries === before || !saySame(entries, before)) return
  managed.managedFields = before
  if (!deepEqual(draft, old)) managed.managedFields = entries
}

function saySame(a: readonly ManagedEntry[], b: readonly ManagedEntry[]): boolean {
  return a.length === b.length && a.every((entry, at) => deepEqual({ ...entry, time: '' }, { ...b[at], time: '' }))
}
