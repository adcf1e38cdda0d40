import type { KubeObject } from '../api/transport.ts'

/** What an Event is about: an object, or a part of it: `spec.containers{main}`. */
export interface EventSubject extends KubeObject {
  readonly fieldPath?: string
}

/** Tells the user what happened, as Event objects; equal ones are counted up instead of repeated. Never fails the caller. */
export interface EventRecorder {
  record(
    about: EventSubject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    annotations?: Readonly<Record<string, string>>,
  ): void
}
