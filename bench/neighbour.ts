import type { Running } from './program.ts'
import { percentile } from './report.ts'

/** How long requests of another client took while something went on. */
export interface Neighbour {
  readonly getP50InMs: number
  readonly getP99InMs: number
  readonly createP50InMs: number
  readonly createP99InMs: number
  readonly longestInMs: number
}

const namespaces = { group: '', version: 'v1', resource: 'namespaces' } as const
const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' } as const

/** Another client of the server: reads an object and creates one, again and again, until it is told to stop. */
export function neighbour({ transport }: Running): AsyncDisposable & { stop(): Promise<Neighbour> } {
  let isDone = false
  const run = Math.random().toString(36).slice(2, 8)
  const timed = async (pauseInMs: number, call: (i: number) => Promise<unknown>): Promise<number[]> => {
    const times: number[] = []
    for (let i = 0; !isDone; i++) {
      const before = performance.now()
      await call(i)
      times.push(performance.now() - before)
      await new Promise(done => setTimeout(done, pauseInMs))
    }
    return times
  }
  const reads = timed(10, () => transport.call({ verb: 'get', ...namespaces, name: 'default' }))
  const data = { text: 'x'.repeat(500) }
  const creates = timed(20, i =>
    transport.call({ verb: 'create', ...configMaps, body: { metadata: { name: `neighbour-${run}-${i}` }, data } }),
  )
  const stop = async (): Promise<Neighbour> => {
    isDone = true
    const [gets, made] = await Promise.all([reads, creates])
    return {
      getP50InMs: percentile(gets, 0.5),
      getP99InMs: percentile(gets, 0.99),
      createP50InMs: percentile(made, 0.5),
      createP99InMs: percentile(made, 0.99),
      longestInMs: Math.max(...gets, ...made),
    }
  }
  return {
    stop,
    async [Symbol.asyncDispose]() {
      isDone = true
      await Promise.allSettled([reads, creates])
    },
  }
}
