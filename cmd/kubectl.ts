import { homedir } from 'node:os'
import { text } from 'node:stream/consumers'
import type { Io } from '../kubectl/io.ts'
import { main } from '../kubectl/main.ts'
import { systemClock } from '../lib/clock.ts'
import { chosenDataDir, runningCluster } from './data-dir.ts'
import { version } from './version.ts'

/** Runs one of kubectl's verbs on this terminal. `whatIf`: a scheduler to ask, if the verb may want one. Answers the exit code. */
export async function kubectl(args: readonly string[], whatIf?: Io['whatIf']): Promise<number> {
  const interrupt = new AbortController()
  const onInterrupt = () => interrupt.abort()
  process.once('SIGINT', onInterrupt)
  // A reader that has seen enough (`| head`) is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    return await main(
      args,
      {
        out: chunk => void process.stdout.write(chunk),
        err: chunk => void process.stderr.write(chunk),
        isTerminal: process.stdout.isTTY === true,
        columns: process.stdout.columns ?? 80,
        rows: process.stdout.rows ?? 24,
        env: process.env,
        readStdin: () => text(process.stdin),
        stdin: process.stdin,
        ...(process.stdout.isTTY && { onResize }),
        writeBytes: (chunk, to) => void (to === 'out' ? process.stdout : process.stderr).write(chunk),
        runningKubeconfig: () => runningCluster(chosenDataDir(undefined))?.kubeconfig,
        homeDir: homedir(),
        ...(whatIf && { whatIf }),
        version,
        platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
        now: systemClock.now,
        sleep: systemClock.sleep,
      },
      interrupt.signal,
    )
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}

function onResize(callback: (columns: number, rows: number) => void): () => void {
  const tell = () => callback(process.stdout.columns, process.stdout.rows)
  tell()
  process.stdout.on('resize', tell)
  return () => process.stdout.off('resize', tell)
}
