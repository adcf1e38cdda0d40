import type { ExecSession } from '../api/node-agent.ts'

/** A command that says what it is given, and ends when its input does; and a log of what else it was told. */
export function echo({ exitCode = 0, message }: { exitCode?: number; message?: string } = {}) {
  const taken: Buffer[] = []
  const log: string[] = []
  let end: () => void = () => {}
  const ended = new Promise<void>(resolve => {
    end = resolve
  })
  const session: ExecSession = {
    stdout: (async function* () {
      await ended
      yield Buffer.concat([Buffer.from('got '), ...taken])
    })(),
    stderr: (async function* () {
      yield Buffer.from('warned')
    })(),
    write: async chunk => void taken.push(Buffer.from(chunk)),
    closeStdin: () => end(),
    resize: (columns, rows) => void log.push(`${columns}x${rows}`),
    done: ended.then(() => ({ exitCode, ...(message && { message }) })),
    close: () => {
      log.push('closed')
      end()
    },
  }
  return { session, log }
}
