import { describe, expect, test } from 'vitest'
import type { AnyKind } from '../kind.ts'
import { faults, made } from '../testing.ts'
import { CronJob } from './cron-job.ts'
import { parseSchedule } from './cron-schedule.ts'
import { commonIndex, readIndexes } from './indexes.ts'
import { Job } from './job.ts'

const spec = { containers: [{ name: 'c', image: 'x' }], restartPolicy: 'Never' }
const uid = '1-2'
const body = (jobSpec: object = {}, metadata: object = {}) => ({
  metadata: { uid, ...metadata },
  spec: { template: { spec }, ...jobSpec },
})
/** As the server has it before it validates. */
function prepared(given: object) {
  const job = made(Job, given)
  Job.prepareForCreate(job)
  Job.default(job)
  return job
}
const jobFaults = (given: object, old?: object) =>
  Job.validate(prepared(given), old && prepared(old)).map(({ field, message }) => `${field}: ${message}`)
const indexed = (more: object = {}) => body({ completionMode: 'Indexed', completions: 3, ...more })

describe('a Job', () => {
  test.each<[object, object]>([
    [
      {},
      { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false, manualSelector: false },
    ],
    [{ parallelism: 3 }, { parallelism: 3 }],
    [{ completions: 3 }, { parallelism: 1, completions: 3 }],
    [{ backoffLimitPerIndex: 1 }, { backoffLimit: 2147483647 }],
    [{ podFailurePolicy: { rules: [] } }, { podReplacementPolicy: 'Failed' }],
    [{}, { podReplacementPolicy: 'TerminatingOrFailed' }],
  ])('%j has defaults %j', (given, expected) => expect(made(Job, body(given)).spec).toMatchObject(expected))

  test('needs no number of completions where there is one of pods', () => {
    expect(made(Job, body({ parallelism: 3 })).spec.completions).toBeUndefined()
  })

  test('selects its own pods by labels that the server makes, and carries them itself', () => {
    const job = prepared(body({}, { name: 'j' }))
    const labels = {
      'job-name': 'j',
      'batch.kubernetes.io/job-name': 'j',
      'controller-uid': uid,
      'batch.kubernetes.io/controller-uid': uid,
    }
    expect(job.spec.selector).toEqual({ matchLabels: { 'batch.kubernetes.io/controller-uid': uid } })
    expect(job.spec.template.metadata.labels).toEqual(labels)
    expect(job.metadata.labels).toEqual(labels)
    expect(jobFaults(body({}, { name: 'j' }))).toEqual([])
  })

  test('selects by hand if somebody wants to', () => {
    const labels = { app: 'x' }
    const byHand = { manualSelector: true, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } }
    expect(prepared(body(byHand)).spec.selector).toEqual({ matchLabels: labels })
    expect(jobFaults(body(byHand))).toEqual([])
    expect(jobFaults(body({ manualSelector: true }))).toEqual([
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`',
    ])
  })

  test.each<[object, string[]]>([
    [
      body({ template: { metadata: { labels: { 'job-name': 'other' } }, spec } }),
      [expect.stringMatching(/^spec.template.metadata.labels\[job-name\]: Invalid value: .*: must be 'x'$/)],
    ],
    [
      body({ template: { spec: { ...spec, restartPolicy: 'Always' } } }),
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [body({ parallelism: -1 }), ['spec.parallelism: Invalid value: -1: must be greater than or equal to 0']],
    [body({ completionMode: 'Indexed', parallelism: 1 }), ['spec.completions: Required value: when completion mode is Indexed']],
    [
      body({ backoffLimitPerIndex: 1, maxFailedIndexes: 1 }),
      [
        'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
        'spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode',
      ],
    ],
    [indexed({ maxFailedIndexes: 1 }), ['spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified']],
    [
      indexed({ backoffLimitPerIndex: 1, maxFailedIndexes: 4 }),
      ['spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions'],
    ],
    [
      indexed({ completions: 100_001, backoffLimitPerIndex: 1, parallelism: 10_001 }),
      [
        'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
        'spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
      ],
    ],
    [body({ managedBy: 'me' }), ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")']],
    [
      body({ podReplacementPolicy: 'Odd' }),
      ['spec.podReplacementPolicy: Unsupported value: "Odd": supported values: "Failed", "TerminatingOrFailed"'],
    ],
    [
      body({ podFailurePolicy: { rules: [{ action: 'FailIndex' }, { onExitCodes: { operator: 'In', values: [2, 0, 2] } }] } }),
      [
        'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
        'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
        'spec.podFailurePolicy.rules[1].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]',
        'spec.podFailurePolicy.rules[1].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator',
        'spec.podFailurePolicy.rules[1].onExitCodes.values[2]: Duplicate value: 2',
        'spec.podFailurePolicy.rules[1].onExitCodes.values: Invalid value: [2,0,2]: must be ordered',
      ],
    ],
    [
      body({ successPolicy: { rules: [{}] } }),
      [expect.stringMatching(/^spec.successPolicy: .* requires indexed completion mode$/)],
    ],
    [
      indexed({
        successPolicy: {
          rules: [{ succeededIndexes: '0,3' }, {}, { succeededCount: 4 }, { succeededIndexes: '0-1', succeededCount: 3 }],
        },
      }),
      [
        'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,3": error parsing succeededIndexes: too large index: "3"',
        'spec.successPolicy.rules[1]: Required value: at least one of succeededCount or succeededIndexes must be specified',
        'spec.successPolicy.rules[2].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)',
        'spec.successPolicy.rules[3].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
      ],
    ],
    [
      { ...indexed(), metadata: { uid, name: 'a'.repeat(62) } },
      [expect.stringMatching(/^metadata.name: .* will not able to create pod with invalid DNS label: a+-2$/)],
    ],
  ])('%j', (given, expected) => expect(jobFaults(given)).toEqual(expected))

  const moved = { spec: { ...spec, nodeSelector: { a: 'b' } } }
  test.each<[object, object, string[]]>([
    [body({ parallelism: 5, completions: 1 }), body(), []],
    [body({ completions: 2 }), body(), ['spec.completions: Invalid value: 2: field is immutable']],
    [indexed({ completions: 5, parallelism: 5 }), indexed(), []],
    [
      indexed({ completions: 5 }),
      indexed(),
      ['spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism'],
    ],
    [body({ template: moved }), body(), [expect.stringMatching(/^spec.template: Invalid value: \{.*\}: field is immutable$/)]],
    [body({ template: moved, suspend: true }), body({ suspend: true }), []],
    [body({ managedBy: 'a.b/c' }), body(), ['spec.managedBy: Invalid value: "a.b/c": field is immutable']],
  ])('update to %j', (next, old, expected) => expect(jobFaults(next, old)).toEqual(expected))

  const condition = (type: string, status = 'True') => ({ type, status })
  const statusFaults = (status: object, old: object = {}, given: object = body()) =>
    Job.validateStatus(made(Job, { ...given, status }), made(Job, { ...given, status: old })).map(
      ({ field, message }) => `${field}: ${message}`,
    )
  const startTime = '2026-01-01T00:00:00Z'
  const ended = {
    startTime,
    completionTime: '2026-01-01T00:01:00Z',
    conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
  }
  test.each<[object, object, string[]]>([
    [ended, {}, []],
    [
      { conditions: [condition('Complete'), condition('Failed')], active: 1 },
      {},
      [
        'status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions',
        'status.completionTime: Required value: completionTime is required for Complete jobs',
        'status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition',
        'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
        'status.active: Invalid value: 1: active>0 is invalid for finished job',
        'status.startTime: Required value: startTime is required for finished job',
      ],
    ],
    [{ ready: 2, active: 1 }, {}, ['status.ready: Invalid value: 2: cannot set more ready pods than active']],
    [
      { succeeded: 1, failed: 0 },
      { succeeded: 2, failed: 1 },
      [
        'status.failed: Invalid value: 0: cannot decrease the failed counter',
        'status.succeeded: Invalid value: 1: cannot decrease the succeeded counter',
      ],
    ],
    [
      { startTime, conditions: [] },
      ended,
      [
        'status.conditions: Invalid value: cannot disable the terminal Complete=True condition',
        'status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition',
      ],
    ],
    [
      { completedIndexes: '0' },
      {},
      ['status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode'],
    ],
  ])('status %j after %j', (status, old, expected) => expect(statusFaults(status, old)).toEqual(expected))

  test('says how it goes', () => {
    const cells = (status: object, given: object = body()) =>
      Job.columns.slice(0, 3).map(({ value }) => value(made(Job, { ...given, status }), Date.parse('2026-01-01T00:02:30Z')))
    expect(cells({})).toEqual(['Running', '0/1', ''])
    expect(cells({ startTime, succeeded: 1 }, body({ parallelism: 3 }))).toEqual(['Running', '1/1 of 3', '2m30s'])
    expect(cells({ ...ended, succeeded: 1 })).toEqual(['Complete', '1/1', '60s'])
    expect(cells({ conditions: [condition('Suspended')] })[0]).toBe('Suspended')
    expect(cells({ conditions: [condition('FailureTarget'), condition('Failed')] })[0]).toBe('Failed')
    expect(Job.selectableFields['status.successful']?.(made(Job, { ...body(), status: { succeeded: 2 } }))).toBe('2')
  })
})

describe('a CronJob', () => {
  const cron = (more: object = {}, jobSpec: object = {}) => ({
    spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: { spec }, ...jobSpec } }, ...more },
  })
  test('has its defaults, and leaves those of its jobs to them', () => {
    const { spec } = made(CronJob, cron())
    expect(spec).toMatchObject({
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    })
    expect(spec.jobTemplate.spec).not.toHaveProperty('completions')
  })

  test.each<[object, string[]]>([
    [cron(), []],
    [cron({ timeZone: 'Europe/Berlin' }), []],
    [cron({ schedule: '' }), ['spec.schedule: Required value']],
    [cron({ schedule: '* * *' }), ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]']],
    [
      cron({ schedule: 'TZ=UTC 0 * * * *' }),
      ['spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
    ],
    [cron({ timeZone: 'Mars/Base' }), ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base']],
    [cron({ timeZone: '' }), ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
    [
      cron({ concurrencyPolicy: 'Odd' }),
      ['spec.concurrencyPolicy: Unsupported value: "Odd": supported values: "Allow", "Forbid", "Replace"'],
    ],
    [
      cron({}, { selector: {}, manualSelector: true }),
      [
        'spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated',
        'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
      ],
    ],
    [
      { metadata: { name: 'a'.repeat(53) }, ...cron() },
      [`metadata.name: Invalid value: "${'a'.repeat(53)}": must be no more than 52 characters`],
    ],
  ])('%j', (given, expected) => expect(faults(CronJob, given)).toEqual(expected))

  test('is shown', () => {
    const status = { active: [{ name: 'a' }], lastScheduleTime: '2026-01-01T00:00:00Z' }
    const cell = (kind: AnyKind, given: object) =>
      kind.columns.map(({ value }) => value(made(kind, given), Date.parse('2026-01-01T00:00:09Z')))
    expect(cell(CronJob, { ...cron({ suspend: true }), status })).toEqual([
      '*/5 * * * *',
      '<none>',
      'True',
      1,
      '9s',
      '<unknown>',
      'c',
      'x',
      '<none>',
    ])
  })
})

describe('a schedule', () => {
  test.each([
    [
      '0 */8 1-3,10 jan SUN',
      { minutes: [0], hours: [0, 8, 16], daysOfMonth: [1, 2, 3, 10], months: [1], daysOfWeek: [0], anyDayWillDo: true },
    ],
    ['@weekly', { minutes: [0], hours: [0], daysOfWeek: [0], anyDayWillDo: false }],
    ['5/20 * * * *', { minutes: [5, 25, 45] }],
    ['@every 1h30m', { everyMs: 5_400_000 }],
  ])('%s', (text, expected) => expect(parseSchedule(text)).toMatchObject(expected))

  test.each([
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['@often', 'unrecognized descriptor: @often'],
    ['@every x', 'failed to parse duration @every x: time: invalid duration "x"'],
  ])('%s: %s', (text, message) => expect(() => parseSchedule(text)).toThrow(message))
})

test.each([
  ['', []],
  [
    '0,2-4',
    [
      [0, 0],
      [2, 4],
    ],
  ],
  ['2,1', 'non-increasing order, previous: 2, current: 1'],
  ['3-2', 'non-increasing order, previous: 3, current: 2'],
  ['1-2-3', 'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by \'-\''],
  ['x', 'cannot convert string to integer for index: "x"'],
  ['9', 'too large index: "9"'],
])('indexes %s', (text, expected) => expect(readIndexes(text, 5)).toEqual(expected))

test('the first index that two lists share', () => {
  expect(commonIndex('0,2-4', '1,3', 5)).toBe(3)
  expect(commonIndex('0,2', '1,3', 5)).toBeUndefined()
})
