import { dockerEngine } from '../kubelet/runtime/docker/engine.ts'
import { pauseImage } from '../kubelet/runtime/docker/pause-image.ts'
import { dockerRuntime } from '../kubelet/runtime/docker/runtime.ts'
import { containerConfig, sandboxConfig } from '../kubelet/runtime/pod-configs.ts'
import { systemClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { type Figure, median } from './report.ts'

const image = 'busybox:1.36'

/** What the runtime adds to Docker's own create and start of the same two containers, on the same network, turn by turn. */
export async function benchDockerStart(rounds = 15): Promise<Figure[]> {
  const engine = dockerEngine({ clock: systemClock, log: silentLog })
  const podCIDR = () => '10.211.250.0/24'
  const runtime = dockerRuntime({ engine, cluster: 'bench', node: 'start', podCIDR, clock: systemClock, log: silentLog })
  const dns = { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local'], options: ['ndots:5'] }
  const ours: number[][] = []
  const raw: number[][] = []
  await engine.allowsNegativeOomScore()
  const first = await runtime.runSandbox(sandboxConfig({ dns }))
  await runtime.removeSandbox(first.id)

  const startOurs = async () => {
    const config = sandboxConfig({ dns })
    const began = performance.now()
    const sandbox = await runtime.runSandbox(config)
    const ready = performance.now()
    const id = await runtime.createContainer(sandbox.id, containerConfig({ pod: config.pod, image }))
    await runtime.startContainer(id)
    ours.push([ready - began, performance.now() - ready])
    await runtime.removeSandbox(sandbox.id)
  }
  const startRaw = () =>
    engine.open(async docker => {
      const began = performance.now()
      const HostConfig = { NetworkMode: 'wherry-bench-start', IpcMode: 'shareable' }
      const pause = await docker.createContainer({ Image: pauseImage, Hostname: 'pod', HostConfig })
      await pause.start()
      const ready = performance.now()
      const joined = { NetworkMode: `container:${pause.id}`, IpcMode: `container:${pause.id}` }
      const container = await docker.createContainer({ Image: image, Cmd: ['sleep', '3600'], HostConfig: joined })
      await container.start()
      raw.push([ready - began, performance.now() - ready])
      await Promise.all([container.remove({ force: true }), pause.remove({ force: true })])
    })
  for (let round = 0; round < rounds; round++) {
    await startOurs()
    await startRaw()
  }
  await runtime.cleanUp()

  const of = (samples: number[][], part: (sample: number[]) => number) => median(samples.map(part))
  const sandbox = ([value = 0]: number[]) => value
  const container = ([, value = 0]: number[]) => value
  const total = (sample: number[]) => sandbox(sample) + container(sample)
  const figure = (name: string, part: (sample: number[]) => number): Figure => ({
    ...{ name, value: of(ours, part), unit: 'ms', remark: `Docker alone ${of(raw, part).toFixed(0)} ms` },
  })
  return [figure('sandbox started', sandbox), figure('container started', container), figure('pod started', total)]
}
