import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { nodeUsage } from './usage.ts'

const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:      9       9    0    0    0     0          0         0        9       9    0    0    0     0       0          0
docker0:      1       2    3    0    0     0          0         0        4       5    6    0    0     0       0          0
  eth0:    100       2    7    0    0     0          0         0      200       5    8    0    0     0       0          0
`

test('the machine’s figures are those of /proc; the processor’s rate is taken between two looks', async () => {
  const proc = await mkdtemp(join(tmpdir(), 'wherry-proc-'))
  const put = (name: string, text: string) => writeFile(join(proc, name), text)
  await Promise.all(['net', 'sys/kernel'].map(name => mkdir(join(proc, name), { recursive: true })))
  await put('stat', 'cpu  100 10 50 9999 9 1 2 7 50 0\ncpu0 1 1 1 1\n')
  await put(
    'meminfo',
    'MemTotal: 1000 kB\nMemFree: 400 kB\nInactive(file): 100 kB\nAnonPages: 300 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n',
  )
  await put('vmstat', 'nr_free_pages 1\npgfault 77\npgmajfault 3\n')
  await put('loadavg', '0.1 0.2 0.3 2/345 999\n')
  await put('sys/kernel/pid_max', '4194304\n')
  await put('sys/kernel/threads-max', '1234\n')
  await put('net/dev', dev)
  await put('net/route', 'Iface\tDestination\tGateway\neth0\t00000000\t010200C0\t0003\n')
  const clock = virtualClock()
  const read = nodeUsage({ clock, proc })
  const kib = 1024
  expect(await read()).toEqual({
    cpuTotalNanoSeconds: 170e7,
    cpuNanoCores: 0,
    memoryUsageInBytes: 600 * kib,
    memoryWorkingSetInBytes: 500 * kib,
    memoryRssInBytes: 300 * kib,
    memoryAvailableInBytes: 500 * kib,
    pageFaults: 77,
    majorPageFaults: 3,
    swapUsageInBytes: 30 * kib,
    swapAvailableInBytes: 20 * kib,
    processes: 345,
    maxProcesses: 1234,
    interfaces: [
      { name: 'eth0', rxBytes: 100, rxErrors: 7, txBytes: 200, txErrors: 8 },
      { name: 'docker0', rxBytes: 1, rxErrors: 3, txBytes: 4, txErrors: 6 },
    ],
  })
  await clock.advance(2000)
  await put('stat', 'cpu  300 10 50 9999 9 1 2 7 50 0\n')
  expect((await read()).cpuNanoCores).toBe(1e9)
  await rm(proc, { recursive: true })
})
