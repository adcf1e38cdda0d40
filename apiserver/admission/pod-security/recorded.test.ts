import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Namespace } from '../../../api/core/namespace.ts'
import { Pod } from '../../../api/core/pod.ts'
import { tryDecode } from '../../../api/decode.ts'
import { ApiError } from '../../../api/errors.ts'
import type { AnyKind } from '../../../api/kind.ts'
import { kinds } from '../../../api/kinds.ts'
import type { KubeObject } from '../../../api/transport.ts'
import { virtualClock } from '../../../lib/clock.ts'
import type { AdmissionContext, Attempt } from '../../admission.ts'
import { parsePodSecurity } from './configuration.ts'
import { detailsText, reasonsText, violationsOf } from './evaluate.ts'
import { podSecuritySteps } from './pod-security.ts'
import { type Level, modes, parseVersion, policyOf, standardText } from './policy.ts'

interface PodRecord {
  readonly pod: object
  /** By standard: in full and in short. */
  readonly said: Readonly<Record<string, readonly [details: string, reasons: string]>>
}
interface LabelRecord {
  readonly labels: Readonly<Record<string, string>>
  readonly configuration: unknown
  readonly policy: readonly string[]
  readonly faults: readonly string[]
}
interface RequestRecord {
  readonly configuration: unknown
  readonly in: object
  readonly pods: readonly object[] | null
  readonly request: {
    readonly operation: 'CREATE' | 'UPDATE'
    readonly kind: string
    readonly subresource: string
    readonly namespace: string
    readonly user: string
    readonly object: object
    readonly old: object | null
  }
  readonly result: {
    readonly allowed: boolean
    readonly reason?: string
    readonly message?: string
    readonly warnings: readonly string[] | null
    readonly annotations: Readonly<Record<string, string>> | null
  }
}

// What k8s.io/pod-security-admission 0.34 says, recorded by scripts/pod-security-recordings.
const recording = process.env.RECORDING ?? new URL('recorded.jsonl.br', import.meta.url)
const records = brotliDecompressSync(readFileSync(recording))
  .toString()
  .split('\n')
  .map(line => JSON.parse(line) as Partial<PodRecord & LabelRecord & RequestRecord>)

/** As it was recorded: before the defaults that come from elsewhere. */
function objectOf(kind: AnyKind, body: object): KubeObject {
  const decoded = tryDecode(kind, body, true)
  if (!decoded.ok) throw new Error(decoded.error)
  return decoded.object as unknown as KubeObject
}

test('pods are found to meet or to miss each standard of each version, in upstream’s words', () => {
  const pods = records.filter((record): record is PodRecord => record.pod !== undefined)
  expect(pods.length).toBeGreaterThan(350)
  for (const { pod, said } of pods) {
    const decoded = objectOf(Pod, pod) as Pod
    for (const [standard, [details, reasons]] of Object.entries(said)) {
      const [level, version = ''] = standard.split(':')
      const violations = violationsOf(decoded, { level: level as Level, version: parseVersion(version)! })
      const told = { pod: JSON.stringify(pod), standard, details: detailsText(violations), reasons: reasonsText(violations) }
      expect(told).toEqual({ pod: told.pod, standard, details, reasons })
    }
  }
})

test('labels make the same policy, over any defaults, and the same ones are faulted', () => {
  const labelled = records.filter((record): record is LabelRecord => record.labels !== undefined)
  expect(labelled.length).toBeGreaterThan(200)
  for (const { labels, configuration, policy, faults } of labelled) {
    const { defaults } = parsePodSecurity(configuration)
    const found = policyOf(labels, defaults)
    expect({
      labels,
      policy: modes.map(mode => standardText(found.policy[mode])),
      faults: found.errors.map(({ field, message }) => `${field}: ${message}`),
    }).toEqual({ labels, policy, faults })
  }
})

test('whole requests are refused, warned about and written down alike', async () => {
  const requests = records.filter((record): record is RequestRecord => record.request !== undefined)
  expect(requests.length).toBeGreaterThan(200)
  for (const record of requests) {
    const { allowed, reason, message, warnings, annotations } = record.result
    expect({ record: JSON.stringify(record), ...(await answerTo(record)) }).toEqual({
      record: JSON.stringify(record),
      allowed,
      reason,
      message,
      warnings: warnings ?? [],
      annotations: annotations ?? {},
    })
  }
})

async function answerTo({ configuration, in: namespace, pods, request }: RequestRecord) {
  const kind = kinds.find(each => each.kind === request.kind)!
  const stored = objectOf(Namespace, namespace)
  const warnings: string[] = []
  const annotations: Record<string, string> = {}
  const attempt = {
    operation: request.operation,
    kind,
    namespace: kind.namespaced ? request.namespace : undefined,
    subresource: request.subresource || undefined,
    user: { name: request.user, groups: [] },
    object: objectOf(kind, request.object),
    old: request.old ? objectOf(kind, request.old) : undefined,
    warnings,
    annotate: (key: string, value: string) => {
      annotations[key.replace('pod-security.kubernetes.io/', '')] = value
    },
  } as unknown as Attempt
  const access = {
    lookUp: <T>(_kind: unknown, _namespace: unknown, _name: unknown, goOn: (found: typeof stored) => T | Promise<T>) =>
      request.user === 'root' ? Promise.resolve(stored).then(goOn) : goOn(stored), // both ways of answering have their turn
    inNamespace: async () => (pods ?? []).map(pod => ({ object: objectOf(Pod, pod) })),
  }
  const answer = { reason: undefined as string | undefined, message: undefined as string | undefined, warnings, annotations }
  const concerned = podSecuritySteps(parsePodSecurity(configuration)).filter(
    ({ kinds, operations, subresources }) =>
      kinds?.includes(kind) &&
      operations.includes(request.operation) &&
      (request.subresource === '' || subresources?.includes(request.subresource as never)),
  )
  try {
    for (const step of concerned) await step.check?.(attempt, { access, clock: virtualClock() } as unknown as AdmissionContext)
    return { allowed: true, ...answer }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { allowed: false, ...answer, reason: error.status.reason, message: error.message }
  }
}
