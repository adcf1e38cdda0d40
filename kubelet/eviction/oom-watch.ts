import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import { nodeReference } from '../node/reference.ts'

/** A process that the kernel ended for want of memory. */
export interface OomKill {
  readonly process: string
  readonly pid: number
  /** The cgroup whose limit was hit; absent: the machine's memory was gone. */
  readonly cgroup?: string
  /** As the kernel put it. */
  readonly text: string
}

/** Gathers what several lines of the kernel's log tell of one kill (mm/oom_kill.c; formats before and after Linux 5.0). */
export function oomReader(): (line: string) => OomKill | undefined {
  let cgroup: string | undefined
  return line => {
    if (line.includes('invoked oom-killer:')) cgroup = undefined
    const limited =
      /oom-kill:constraint=CONSTRAINT_MEMCG.*oom_memcg=([^,]*)/.exec(line) ?? / as a result of limit of (\S+)/.exec(line)
    if (limited) cgroup = limited[1]
    const killed = /Killed process (\d+) \((.+?)\)/.exec(line)
    if (!killed) return undefined
    const kill = { process: killed[2] ?? '', pid: Number(killed[1]), ...(cgroup !== undefined && { cgroup }), text: line }
    cgroup = undefined
    return kill
  }
}

interface Options {
  nodeName: string
  events: EventRecorder
  clock: Clock
  log: Log
  everyMs?: number
  open: () => Promise<KernelLog | undefined>
}

/** Lines that have come since the last look. */
export interface KernelLog {
  read(): Promise<readonly string[]>
  close(): Promise<void>
}

/**
 * Tells of processes that the kernel had to end: SystemOOM when the machine's memory was gone (pkg/kubelet/oom), OOMKilling when a
 * container's own limit was hit. Does nothing where the kernel's log may not be read.
 */
export function oomWatch({ nodeName, events, clock, log, everyMs = 10_000, open: openLog }: Options): Run {
  return async signal => {
    const kernel = await openLog().catch(() => undefined)
    if (!kernel) return log.debug('the log of the kernel cannot be read: nobody tells of processes that it ends')
    const read = oomReader()
    const tell = (reason: string, message: string) => events.record(nodeReference(nodeName), 'Warning', reason, message)
    try {
      for (;;) {
        await clock.sleep(everyMs, signal)
        if (signal.aborted) return
        for (const line of await kernel.read()) {
          const kill = read(line)
          if (kill?.cgroup !== undefined) tell('OOMKilling', kill.text)
          else if (kill) tell('SystemOOM', `System OOM encountered, victim process: ${kill.process}, pid: ${kill.pid}`)
        }
      }
    } finally {
      await kernel.close()
    }
  }
}

/** One record of /dev/kmsg is at most this long (CONSOLE_EXT_LOG_MAX). */
const longestRecord = 8192
/** So many records at a look: a machine that writes more has other troubles. */
const mostRecords = 20_000

/** /dev/kmsg from now on. Opened so that a read never waits: one that did would keep a thread of the pool for ever. */
export async function openKernelLog(): Promise<KernelLog | undefined> {
  const file: FileHandle = await open('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK)
  const [uptime = '0'] = (await readFile('/proc/uptime', 'utf8')).split(' ')
  const openedAtInUs = Number(uptime) * 1e6
  const buffer = Buffer.alloc(longestRecord)
  return {
    close: () => file.close(),
    async read() {
      const lines: string[] = []
      for (let i = 0; i < mostRecords; i++) {
        const got = await file.read(buffer, 0, buffer.length, null).catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'EPIPE') return undefined // records were lost: go on with the oldest there is
          if (error.code === 'EAGAIN') return { bytesRead: 0 }
          throw error
        })
        if (!got) continue
        if (got.bytesRead === 0) break
        // priority,sequence,microseconds,flags;text, and lines of properties
        const record = buffer.toString('utf8', 0, got.bytesRead)
        const [head = '', ...rest] = record.split(';')
        if (Number(head.split(',')[2]) < openedAtInUs) continue
        lines.push(rest.join(';').split('\n')[0] ?? '')
      }
      return lines
    },
  }
}
