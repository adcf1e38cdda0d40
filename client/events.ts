import type { KubeObject } from '../api/transport.ts'

/** Tells the user what happened, as Event objects; equal ones are counted up instead of repeated. Never fails the caller. */
export interface EventRecorder {
  record(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void
}
