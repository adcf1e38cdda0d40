import { z } from 'zod'
import { milliValue, value } from '../quantity.ts'

/**
 * What simulated nodes are to play, as it is written down: a list of stages, each for whom it is, when its turn comes, and what happens
 * then (kubelet/runtime/simulated/README.md). Durations become milliseconds, quantities numbers.
 */
export type Stage = z.output<ReturnType<typeof stageSchema>>
/** A stage as a person writes it. */
export type WrittenStage = z.input<ReturnType<typeof stageSchema>>
export type StageEvent = Stage['on']
export type CurvePoint = { readonly at: number; readonly is: number }

export const podEvents = [
  'sandbox',
  'create',
  'start',
  'running',
  'startup',
  'readiness',
  'liveness',
  'probe',
  'stop',
  'exec',
] as const

/** What goes with which event, beside what goes with all of them. */
const onlyWith: Partial<Record<string, readonly StageEvent[]>> = {
  pods: ['pull', ...podEvents],
  after: ['pull', ...podEvents],
  jitter: ['pull', ...podEvents],
  skip: ['pull', ...podEvents],
  times: ['pull', ...podEvents],
  chance: ['pull', ...podEvents],
  fail: ['sandbox', 'pull', 'create', 'start', 'exec'],
  size: ['pull'],
  exit: ['running', 'stop', 'exec'],
  oom: ['running'],
  use: ['running', 'node'],
  repeat: ['running', 'node'],
  steps: ['running', 'node'],
  log: ['running'],
  answer: ['startup', 'readiness', 'liveness', 'probe'],
  signal: ['stop'],
  ignore: ['stop'],
  command: ['exec'],
  output: ['exec'],
  unreachable: ['node'],
  eventsLost: ['node'],
  relistTakes: ['node'],
  images: ['node'],
}
const ofContainers = ['memory', 'cpu', 'pids', 'disk', 'inodes', 'logs', 'volumes']
const ofNodes = ['memory', 'pids', 'disk', 'inodes']

let built: ReturnType<typeof build> | undefined
/** Made when it is first needed: most programs play nothing. */
const stageSchema = () => (built ??= build())

function build() {
  const duration = z.union([z.string(), z.number()]).transform((text, context) => {
    const ms = parseDuration(text)
    if (ms === undefined) context.addIssue(`${JSON.stringify(text)} is no duration such as 500ms, 10s or 1m30s`)
    return ms ?? 0
  })
  const amount = (parse: (text: string) => number) =>
    z.union([z.string(), z.number()]).transform((text, context) => {
      try {
        return parse(String(text))
      } catch {
        context.addIssue(`${JSON.stringify(text)} is no quantity such as 300Mi or 250m`)
        return 0
      }
    })
  /** One amount for ever, or amounts by when they are reached. */
  const curve = (parse: (text: string) => number) => {
    const one = amount(parse)
    const points = z.record(z.string(), one).transform((written, context): readonly CurvePoint[] => {
      const found = Object.entries(written).map(([text, is]) => {
        const at = parseDuration(text)
        if (at === undefined) context.addIssue(`${JSON.stringify(text)} is no duration such as 500ms, 10s or 1m30s`)
        return { at: at ?? 0, is }
      })
      if (found.length === 0) context.addIssue('needs at least one point, such as "0s": 10Mi')
      return found.sort((a, b) => a.at - b.at)
    })
    return z.union([one.transform((is): readonly CurvePoint[] => [{ at: 0, is }]), points], {
      error: 'is an amount, or amounts by their times: {0s: 10Mi, 1m: 300Mi}',
    })
  }
  const whole = z.int().min(0)
  const globs = z.record(z.string(), z.string())
  const exit = z.strictObject({
    code: z.int().min(0).max(255).optional(),
    signal: z
      .string()
      .refine(name => signalNumbers[name.replace(/^SIG/, '')] !== undefined, { error: 'is no signal such as SIGTERM' })
      .optional(),
    reason: z.string().optional(),
    message: z.string().optional(),
  })
  const schema = z.strictObject({
    /** For people. */
    name: z.string().optional(),
    pods: z
      .strictObject({
        namespace: z.string().optional(),
        name: z.string().optional(),
        labels: globs.optional(),
        annotations: globs.optional(),
        image: z.string().optional(),
        container: z.string().optional(),
        role: z.enum(['init', 'sidecar', 'app', 'ephemeral']).optional(),
      })
      .optional(),
    nodes: z.strictObject({ name: z.string().optional(), labels: globs.optional() }).optional(),
    on: z.enum(['pull', ...podEvents, 'node']),
    from: duration.optional(),
    until: duration.optional(),
    every: duration.optional(),
    after: duration.optional(),
    jitter: duration.optional(),
    skip: whole.optional(),
    times: whole.optional(),
    chance: z.number().min(0).max(1).optional(),
    fail: z
      .strictObject({
        kind: z.enum(['unavailable', 'notFound', 'image', 'create', 'start', 'other']).optional(),
        message: z.string().min(1),
      })
      .optional(),
    size: amount(value).optional(),
    exit: exit.optional(),
    oom: z.literal(true).optional(),
    use: z
      .strictObject({
        memory: curve(value).optional(),
        /** In thousandths of a core. */
        cpu: curve(milliValue).optional(),
        pids: curve(value).optional(),
        disk: curve(value).optional(),
        inodes: curve(value).optional(),
        logs: curve(value).optional(),
        /** Of emptyDirs, by name. */
        volumes: z.record(z.string(), curve(value)).optional(),
      })
      .optional(),
    repeat: z.boolean().optional(),
    steps: z.boolean().optional(),
    log: z
      .array(
        z.strictObject({
          at: duration.optional(),
          every: duration.optional(),
          text: z.string(),
          stream: z.enum(['stdout', 'stderr']).optional(),
        }),
      )
      .optional(),
    answer: z
      .union([
        answers.transform((is): readonly Answer[] => [{ is }]),
        z.array(z.strictObject({ is: answers, for: duration.optional(), output: z.string().optional() })).min(1),
      ])
      .optional(),
    signal: z.string().optional(),
    ignore: z.literal(true).optional(),
    command: z.string().optional(),
    output: z.string().optional(),
    unreachable: z.literal(true).optional(),
    eventsLost: z.literal(true).optional(),
    relistTakes: duration.optional(),
    images: z.array(z.strictObject({ name: z.string().min(1), size: amount(value).optional() })).optional(),
  })
  return schema.superRefine((stage, context) => {
    const complain = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    for (const key of Object.keys(stage)) {
      const events = onlyWith[key]
      if (events && !events.includes(stage.on))
        complain([key], `does not go with "on: ${stage.on}", only with ${events.join(', ')}`)
    }
    const uses = stage.on === 'node' ? ofNodes : ofContainers
    for (const key of Object.keys(stage.use ?? {})) if (!uses.includes(key)) complain(['use', key], `is not for ${stage.on}`)
    if (stage.on === 'pull')
      for (const key of Object.keys(stage.pods ?? {}))
        if (key !== 'image') complain(['pods', key], 'a pull is asked for without saying for which pod: only image can be told')
    if (stage.on === 'sandbox')
      for (const key of ['image', 'container', 'role'] as const)
        if (stage.pods?.[key] !== undefined) complain(['pods', key], 'a sandbox is made before its containers')
    if (stage.exit?.code !== undefined && stage.exit.signal !== undefined) complain(['exit'], 'has a code or a signal, not both')
    if (stage.exit && stage.oom) complain(['oom'], 'is an end of its own: there is an exit already')
    if (stage.until !== undefined && stage.until <= (stage.from ?? 0)) complain(['until'], 'must be later than from')
    if (stage.every !== undefined && stage.every < (stage.until ?? Number.POSITIVE_INFINITY))
      complain(['every'], 'must be at least as long as until, and needs it')
    for (const [i, line] of (stage.log ?? []).entries())
      if (line.every !== undefined && line.every < 1) complain(['log', i, 'every'], 'must be longer than nothing')
  })
}

const answers = z.enum(['success', 'failure', 'timeout', 'error'])
export interface Answer {
  readonly is: z.output<typeof answers>
  /** How long; absent: from then on. */
  readonly for?: number | undefined
  readonly output?: string | undefined
}

/** Linux's numbers, on all machines that matter here (signal(7)). */
export const signalNumbers: Readonly<Record<string, number>> = {
  ...{ HUP: 1, INT: 2, QUIT: 3, ILL: 4, TRAP: 5, ABRT: 6, BUS: 7, FPE: 8, KILL: 9, USR1: 10, SEGV: 11, USR2: 12, PIPE: 13 },
  ...{ ALRM: 14, TERM: 15, STKFLT: 16, CHLD: 17, CONT: 18, STOP: 19, TSTP: 20, TTIN: 21, TTOU: 22, URG: 23, XCPU: 24 },
  ...{ XFSZ: 25, VTALRM: 26, PROF: 27, WINCH: 28, IO: 29, PWR: 30, SYS: 31 },
}

/** What is wrong with stages, one line for each fault with the path of what is at fault. */
export class StageFault extends Error {
  constructor(where: string, faults: readonly string[]) {
    super(`${where}: ${faults.join('; ')}`)
    this.name = 'StageFault'
  }
}

/** What a file of stages says. */
export interface StageList {
  /** Chance begins with it. */
  readonly seed?: number | undefined
  readonly stages: readonly Stage[]
}

/** Reads `{seed, stages: [...]}` or only the list. `where` says in messages what was read. Throws a StageFault. */
export function readStageList(written: unknown, where = 'stages'): StageList {
  const list = z.array(stageSchema())
  const schema = Array.isArray(written)
    ? list.transform(stages => ({ stages }))
    : z.strictObject({ seed: z.int().optional(), stages: list })
  const read = schema.safeParse(written)
  if (read.success) return read.data
  throw new StageFault(where, faultsOf(read.error.issues, Array.isArray(written) ? 'stages' : ''))
}

/** Stages as values, for tests. Throws a StageFault. */
export function readStages(written: readonly WrittenStage[]): readonly Stage[] {
  return readStageList(written).stages
}

const mostFaults = 10

function faultsOf(issues: readonly z.core.$ZodIssue[], root: string): string[] {
  const faults = issues.flatMap(issue => innermost(issue, []))
  const lines = faults.map(({ path, message }) => `${pathText(root, path)}: ${message}`)
  return [...new Set(lines)].slice(0, mostFaults)
}

/** Of several ways to write something, the complaints about the one that came closest: the one with the deepest path. */
function innermost(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): { path: readonly PropertyKey[]; message: string }[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(key => ({ path: [...path, key], message: 'there is no such field' }))
  if (issue.code === 'invalid_union') {
    const ways = issue.errors.map(way => way.flatMap(one => innermost(one, path)))
    // A complaint about the kind of value alone means that this way was not meant.
    const meant = ways.filter(way => !way.some(one => one.message.startsWith('Invalid input')))
    if (meant.length === 1 && meant[0]) return meant[0]
  }
  return [{ path, message: issue.message }]
}

function pathText(root: string, path: readonly PropertyKey[]): string {
  let text = root
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : text === '' ? String(step) : `.${String(step)}`
  return text || 'the file'
}

const unitsInMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds of a duration as Go writes it: `500ms`, `2s`, `1m30s`, `0`. `undefined`: it is none. */
export function parseDuration(written: string | number): number | undefined {
  const text = String(written)
  if (text === '0') return 0
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined
  let sum = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) sum += Number(number) * (unitsInMs[unit ?? ''] ?? 0)
  return sum
}
