import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { ExecSession } from '../../api/node-agent.ts'
import type { Io } from '../io.ts'
import { redrawn } from '../print/redraw.ts'
import { converse } from './exec.ts'

/** A terminal that one can type on, and what was done with it. */
function terminal() {
  const done: string[] = []
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => void done.push(isRaw ? 'raw' : 'cooked'),
  })
  let resize: (columns: number, rows: number) => void = () => {}
  const io = {
    out: (text: string) => void done.push(`out ${text}`),
    err: (text: string) => void done.push(`err ${text}`),
    stdin,
    onResize(callback: typeof resize) {
      resize = callback
      callback(80, 24)
      return () => void done.push('no more resizing')
    },
  } as unknown as Io
  return { io, stdin, done, resize: (columns: number, rows: number) => resize(columns, rows) }
}

/** A command that repeats what it is sent until it is sent `exit`. */
function echo(done: string[]): ExecSession {
  const output = new PassThrough()
  let end: (result: { exitCode: number }) => void = () => {}
  const ended = new Promise<{ exitCode: number }>(resolve => {
    end = resolve
  })
  const stop = (exitCode: number) => {
    output.end()
    end({ exitCode })
  }
  return {
    stdout: output,
    stderr: (async function* () {})(),
    async write(chunk) {
      if (String(chunk) === 'exit') stop(5)
      else output.write(chunk)
    },
    closeStdin: () => void done.push('end of input'),
    resize: (columns, rows) => void done.push(`${columns}x${rows}`),
    done: ended,
    close: () => stop(137),
  }
}

test('a terminal is raw while the command runs, follows its size, and is given back', async () => {
  const { io, stdin, done, resize } = terminal()
  const running = converse({ io, signal: new AbortController().signal }, echo(done), { stdin: true, tty: true })
  resize(100, 30)
  stdin.write('hi')
  await new Promise(resolve => stdin.once('resume', resolve))
  stdin.write('exit')
  expect(await running).toBe(5)
  expect(done).toEqual([
    'raw',
    '80x24',
    '100x30',
    'out hi',
    'err command terminated with exit code 5\n',
    'no more resizing',
    'cooked',
  ])
})

test('input that ends is ended for the command too, and an interrupt hangs up', async () => {
  const { io, stdin, done } = terminal()
  const interrupt = new AbortController()
  const running = converse({ io, signal: interrupt.signal }, echo(done), { stdin: true, tty: false })
  stdin.end()
  await new Promise(resolve => stdin.once('end', resolve))
  interrupt.abort()
  expect(await running).toBe(130)
  expect(done).toEqual(['end of input'])
})

test('lines are drawn over those before, as many as there is room for', () => {
  let screen = ''
  const { draw, clear } = redrawn({ out: text => void (screen += text), rows: 3 })
  draw(['a', 'b', 'c'])
  draw(['d'])
  clear()
  expect(screen).toBe('a\nb\n\u001b[2A\r\u001b[Jd\n\u001b[1A\r\u001b[J')
})
