import type { Call, Transport } from '../../api/transport.ts'
import { testServer } from '../../apiserver/testing.ts'
import { virtualClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { type SimulatedEngine, simulatedEngine } from '../runtime/simulated/engine.ts'
import { simulatedRuntime } from '../runtime/simulated/runtime.ts'
import { type NodeStory, type NodeStoryOptions, nodeStory } from '../testing.ts'

export interface SimulatedStory extends NodeStory {
  readonly engine: SimulatedEngine
  /** The node's containers, seen from outside. */
  readonly runtime: ContainerRuntime
  /** Every call that the kubelet made. */
  readonly calls: readonly Call[]
  /** While it is not, every call of the kubelet fails as if nobody were there. */
  setApiReachable(isReachable: boolean): void
}

/** A kubelet over simulated containers and a real API server, on a virtual clock. Ends with the test. */
export async function simulatedStory(options: Partial<NodeStoryOptions> = {}, isReachable = true): Promise<SimulatedStory> {
  const clock = virtualClock()
  const random = seededRandom(7)
  const server = await testServer({ clock, random })
  const engine = simulatedEngine({ clock, random })
  const runtime = () => simulatedRuntime({ clock, random, engine, node: 'node-a', podCIDR: () => '10.244.0.0/24' })
  const calls: Call[] = []
  const direct = server.transport()
  let isUp = isReachable
  const refused = () => {
    if (!isUp) throw new Error('connect ECONNREFUSED')
  }
  const transport: Transport = {
    ...direct,
    async call(call, signal) {
      refused()
      calls.push(call)
      return direct.call(call, signal)
    },
    async *watch(call, signal) {
      refused()
      yield* direct.watch(call, signal)
    },
  }
  const node = await nodeStory({ transport, clock, runtime, config: { usesDisk: false }, ...options })
  return {
    ...node,
    get kubelet() {
      return node.kubelet
    },
    engine,
    runtime: runtime(),
    calls,
    setApiReachable: value => {
      isUp = value
    },
    async [Symbol.asyncDispose]() {
      isUp = true
      await node[Symbol.asyncDispose]()
      await server.stop()
    },
  }
}
