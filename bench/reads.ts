import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { Namespace } from '../api/core/namespace.ts'
import { createClient } from '../client/typed-client.ts'
import { podBody } from './http-creates.ts'
import { sleep } from './program.ts'
import type { ReadJob, ReadMessage } from './reader.ts'
import { type Figure, median } from './report.ts'
import { startServer } from './server.ts'

const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' } as const

type Access = Awaited<ReturnType<typeof startServer>>['access']

const reader = (module: URL, job: ReadJob) => new Worker(module, { workerData: { job } })

/** GET of 10,000 pods of 1.5 KB, to the last byte, and how long the server's event loop was blocked by it. */
export async function bigList(readerModule: URL, count = 10_000): Promise<Figure[]> {
  await using server = await startServer()
  const template = JSON.parse(podBody()) as { metadata: object }
  for (let from = 0; from < count; from += 500) {
    await Promise.all(
      Array.from({ length: 500 }, (_, i) =>
        server.transport.call({
          verb: 'create',
          ...pods,
          body: { ...template, metadata: { ...template.metadata, name: `pod-${from + i}` } },
        }),
      ),
    )
  }
  await sleep(1000)
  const plain = await timeLists(readerModule, server.access, 'application/json')
  const asClientGo = await timeLists(readerModule, server.access, 'application/vnd.kubernetes.protobuf,application/json')
  const remark = `${(plain.size / 2 ** 20).toFixed(1)} MB over TLS to the last byte, median of ${plain.times.length}`
  return [
    { name: 'LIST of 10,000 pods', value: median(plain.times), unit: 'ms', goal: { atMost: 60 }, remark },
    {
      name: 'event loop blocked by it',
      value: plain.blockedInMs,
      unit: 'ms',
      goal: { atMost: 20 },
      remark: 'the longest of all',
    },
    {
      name: 'LIST of 10,000 pods, client-go',
      value: median(asClientGo.times),
      unit: 'ms',
      remark: 'asked for protobuf or JSON, as client-go does; answered in JSON',
    },
  ]
}

/** Reads all pods often enough to be warm, then takes the times. */
async function timeLists(readerModule: URL, access: Access, accept: string) {
  const times: number[] = []
  let size = 0
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const worker = reader(readerModule, { ...access, kind: 'list', path: '/api/v1/pods', count: 25, accept })
  await new Promise<void>(done => {
    worker.on('message', (message: ReadMessage) => {
      if (message === 'done') return done()
      if (typeof message !== 'object' || !('tookInMs' in message)) return
      times.push(message.tookInMs)
      size = message.bytes
      // The first reads warm up the code and open the connection.
      if (times.length === 5) delay.enable()
    })
  })
  delay.disable()
  await worker.terminate()
  return { times: times.slice(5), size, blockedInMs: delay.max / 1e6 }
}

/** How many events a second reach 100 watchers, when writes come as fast as they can. */
export async function watchFanOut(readerModule: URL, watchers = 100, writes = 2000): Promise<Figure[]> {
  await using server = await startServer()
  const path = '/api/v1/namespaces?watch=true&resourceVersion=0'
  const worker = reader(readerModule, { ...server.access, kind: 'watch', path, count: watchers })
  let events = 0
  const watching = new Promise<void>(done => {
    worker.on('message', (message: ReadMessage) => {
      if (message === 'watching') done()
      else if (typeof message === 'object' && 'events' in message) events = message.events
    })
  })
  await watching
  await sleep(500)
  const before = events
  const client = createClient(server.transport)
  const text = 'x'.repeat(1200)
  const began = performance.now()
  let next = 0
  const write = async () => {
    for (let i = next++; i < writes; i = next++)
      await client.create(Namespace, { metadata: { name: `n-${i}`, annotations: { text } } })
  }
  await Promise.all(Array.from({ length: 64 }, write))
  const written = performance.now()
  while (events - before < writes * watchers && performance.now() - written < 30_000) await sleep(5)
  const seconds = (performance.now() - began) / 1000
  const delivered = events - before
  await worker.terminate()
  const lost = writes * watchers - delivered
  const remark = `${watchers} watchers over TLS, ${writes} events of 1.5 KB${lost > 0 ? `, ${lost} not seen (slow watchers are cut off)` : ', none lost'}`
  return [{ name: 'watch events delivered', value: delivered / seconds, unit: '/s', remark }]
}
