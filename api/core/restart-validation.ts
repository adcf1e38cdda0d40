import { type FieldError, fieldError } from '../field-errors.ts'
import { supported } from '../validation.ts'
import type { Container } from './container.ts'
import type { PodSpec } from './pod-spec.ts'

const mostRules = 20
const mostCodes = 255

/** A container's own restart policy and its rules (pkg/apis/core/validation validateContainerRestartPolicy). */
export function validateRestart({ restartPolicy, restartPolicyRules = [] }: Container, at: string): FieldError[] {
  const errors: FieldError[] = []
  const field = `${at}.restartPolicyRules`
  if (restartPolicy === undefined) {
    if (restartPolicyRules.length === 0) return []
    errors.push(fieldError.required(`${at}.restartPolicy`, 'must specify restartPolicy when restart rules are used'))
  } else errors.push(...supported(`${at}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure']))
  if (restartPolicyRules.length > mostRules) errors.push(fieldError.tooMany(field, restartPolicyRules.length, mostRules))
  for (const [i, { action, exitCodes }] of restartPolicyRules.entries()) {
    errors.push(...supported(`${field}[${i}].action`, action, ['Restart']))
    if (!exitCodes) {
      errors.push(fieldError.required(`${field}[${i}].exitCodes`, 'must be specified'))
      continue
    }
    const { operator, values = [] } = exitCodes
    errors.push(...supported(`${field}[${i}].exitCodes.operator`, operator, ['In', 'NotIn']))
    if (values.length > mostCodes) errors.push(fieldError.tooMany(`${field}[${i}].exitCodes.values`, values.length, mostCodes))
  }
  return errors
}

/** The same of an init container: with the policy Always it is a sidecar, which is restarted whatever its exit code. */
export function validateInitRestart(container: Container, at: string): FieldError[] {
  const { restartPolicy, restartPolicyRules = [] } = container
  if (restartPolicy !== 'Always') return validateRestart(container, at)
  if (restartPolicyRules.length === 0) return []
  const why = 'restartPolicyRules are not allowed for init containers with restart policy Always'
  return [fieldError.forbidden(`${at}.restartPolicyRules`, why)]
}

const plainSignals =
  'SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGPIPE SIGPOLL SIGPROF SIGPWR SIGQUIT SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ'
const realTimeSignals = [
  'SIGRTMIN',
  ...Array.from({ length: 15 }, (_, i) => `SIGRTMIN+${i + 1}`),
  ...Array.from({ length: 14 }, (_, i) => `SIGRTMAX-${14 - i}`),
  'SIGRTMAX',
]
const signals = { linux: [...plainSignals.split(' '), ...realTimeSignals].sort(), windows: ['SIGKILL', 'SIGTERM'] }

/** The signal that stops a container has to be one that its system knows (validateStopSignal). */
export function validateStopSignal(stopSignal: string | undefined, { os }: PodSpec, field: string): FieldError[] {
  if (stopSignal === undefined) return []
  if (!os) return [fieldError.forbidden(field, 'may not be set for containers with empty `spec.os.name`')]
  return supported(field, stopSignal, signals[os.name as keyof typeof signals] ?? [])
}
