import type { Clock } from '../../../lib/clock.ts'

/** What a simulated command reads, writes and waits on. */
export interface ShellContext {
  clock: Clock
  signal: AbortSignal
  hostname: string
  stdin: AsyncIterable<Uint8Array>
  /** Of the terminal; absent: there is none. */
  size?(): { readonly columns: number; readonly rows: number }
  out(chunk: Uint8Array): void
  err(chunk: Uint8Array): void
  /** Called before each line that an interactive shell reads. */
  prompt?(): void
}

/** One command of a script and what joins it to the one before. */
interface Step {
  joint: ';' | '&&' | '||'
  words: string[]
  /** Whether its output goes to standard error (`>&2`). */
  toStderr: boolean
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
export const bytes = (text: string): Uint8Array => encoder.encode(text)

type Command = (words: readonly string[], context: ShellContext) => number | Promise<number>

const commands: Record<string, Command> = {
  ':': () => 0,
  true: () => 0,
  false: () => 1,
  exit: ([status]) => Number(status ?? 0) & 255,
  echo: (words, { out }) => {
    const [newline, rest] = words[0] === '-n' ? ['', words.slice(1)] : ['\n', words]
    out(bytes(rest.join(' ') + newline))
    return 0
  },
  /** Backslashes only: `\n`, `\t`, `\\` and octal bytes. */
  printf: ([format = ''], { out }) => {
    const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\' }
    const text = Buffer.from(format).toString('latin1')
    const written = text.replace(/\\([0-7]{1,3}|.)/g, (_, code: string) =>
      /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8) & 255) : (escapes[code] ?? code),
    )
    out(Buffer.from(written, 'latin1'))
    return 0
  },
  seq: ([first, last], { out }) => {
    const [from, to] = last === undefined ? [1, Number(first)] : [Number(first), Number(last)]
    for (let number = from; number <= to; number++) out(bytes(`${number}\n`))
    return 0
  },
  stty: ([what], { out, err, size }) => {
    if (what === 'size' && size) {
      out(bytes(`${size().rows} ${size().columns}\n`))
      return 0
    }
    err(bytes('stty: standard input: Inappropriate ioctl for device\n'))
    return 1
  },
  hostname: (_, { out, hostname }) => {
    out(bytes(`${hostname}\n`))
    return 0
  },
  sleep: async ([length], { clock, signal }) => {
    if (length === 'infinity') return new Promise(resolve => signal.addEventListener('abort', () => resolve(0), { once: true }))
    const [, number, unit] = /^(\d*\.?\d+)([smhd]?)$/.exec(length ?? '') ?? []
    await clock.sleep(Number(number ?? 0) * ({ m: 60, h: 3600, d: 86_400 }[unit ?? ''] ?? 1) * 1000, signal)
    return 0
  },
  cat: async ([file], { stdin, out, err }) => {
    if (file !== undefined && file !== '-') {
      err(bytes(`cat: can't open '${file}': this container is simulated and has no files\n`))
      return 1
    }
    for await (const chunk of stdin) out(chunk)
    return 0
  },
}

const shells = new Set(['sh', '/bin/sh', 'bash', '/bin/bash', 'ash'])
const nameOf = (word: string | undefined) => word?.replace(/^(\/usr)?\/bin\//, '') ?? ''

/** Whether running this command line here is no pretence: every command is known and no files are read. */
export function canRun(argv: readonly string[]): boolean {
  const isKnown = ({ words: [word, ...rest] }: Step) =>
    Object.hasOwn(commands, nameOf(word)) &&
    (nameOf(word) !== 'cat' || rest.length === 0) &&
    !rest.some(text => /[$><|`]/.test(text))
  return stepsOf(argv)?.every(isKnown) ?? false
}

/** Runs a command line and answers its exit code. A command it does not know says so and answers 127. */
export async function run(argv: readonly string[], context: ShellContext): Promise<number> {
  const steps = stepsOf(argv)
  if (steps) return runSteps(steps, context)
  let status = 0
  context.prompt?.()
  for await (const line of linesOf(context.stdin)) {
    const typed = parse(line)
    status = await runSteps(typed, context)
    if (typed.at(-1)?.words[0] === 'exit') return status
    context.prompt?.()
  }
  return status
}

/** The steps of `sh -c script` or of a plain command; `undefined` for a shell that reads its standard input. */
function stepsOf(argv: readonly string[]): Step[] | undefined {
  if (!shells.has(argv[0] ?? '')) return [{ joint: ';', words: [...argv], toStderr: false }]
  const script = argv[argv.findIndex(word => /^-[a-z]*c$/.test(word)) + 1]
  return argv.length > 1 && script !== undefined && script !== argv[0] ? parse(script) : undefined
}

async function runSteps(steps: readonly Step[], context: ShellContext): Promise<number> {
  let status = 0
  for (const { joint, words, toStderr } of steps) {
    if (context.signal.aborted) return 137
    if ((joint === '&&' && status !== 0) || (joint === '||' && status === 0)) continue
    const [word, ...rest] = words
    const command = Object.hasOwn(commands, nameOf(word)) ? commands[nameOf(word)] : undefined
    if (!command) {
      context.err(bytes(`${word}: this container is simulated; it knows ${Object.keys(commands).join(' ')}\n`))
      status = 127
      continue
    }
    status = await command(rest, toStderr ? { ...context, out: context.err } : context)
    if (word === 'exit') return status
  }
  return status
}

/** Splits a script at `;`, newlines, `&&` and `||`, and its commands into words, minding quotes. */
function parse(script: string): Step[] {
  const steps: Step[] = []
  let step: Step = { joint: ';', words: [], toStderr: false }
  const finish = (joint: Step['joint']) => {
    if (step.words.length > 0) steps.push(step)
    step = { joint, words: [], toStderr: false }
  }
  for (const [token] of script.matchAll(/\s*(?:&&|\|\||[;\n]|1?>&2|(?:'[^']*'|"[^"]*"|\\.|[^\s;'"&|>]|[&|>])+)/g)) {
    const text = token.replace(/^[^\S\n]+/, '')
    if (text.trim() === '' || text.trim() === ';') finish(';')
    else if (text.trim() === '&&' || text.trim() === '||') finish(text.trim() as Step['joint'])
    else if (/^\s*1?>&2$/.test(text)) step.toStderr = true
    else {
      if (text.startsWith('\n')) finish(';')
      step.words.push(
        text.trim().replace(/'([^']*)'|"([^"]*)"|\\(.)/g, (_, single, double, escaped) => single ?? double ?? escaped),
      )
    }
  }
  finish(';')
  return steps
}

async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  let rest = ''
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest) yield rest
}
