import type { UserInfo } from '../api/user.ts'
import { createEvents } from '../client/event-recorder.ts'
import { createInformers } from '../client/informers.ts'
import { runControllers } from '../client/runtime.ts'
import { createClient } from '../client/typed-client.ts'
import type { CsiDrivers } from '../kubelet/csi/drivers.ts'
import { aborted, type Run, runAll } from '../lib/run.ts'
import type { ComponentOptions } from './control-plane.ts'

/** Makes volumes and attaches them, for the whole cluster: no node may do that. */
const storage: UserInfo = { name: 'system:wherry:csi', groups: ['system:masters', 'system:authenticated'] }

/**
 * The sidecars of the storage drivers that register with the kubelets of this process. Nothing is loaded or watched before the first one
 * does. `drivers`: of each kubelet, in a settled order.
 */
export function csiSidecarsOf(options: ComponentOptions, drivers: readonly CsiDrivers[]): Run {
  const { clock, random } = options
  const isAny = () => drivers.some(ofNode => ofNode.list().length > 0)
  const first = async (signal: AbortSignal) => {
    let stop = () => {}
    const came = new Promise<void>(resolve => {
      const stops = drivers.map(ofNode => ofNode.onAdd(() => resolve()))
      stop = () => {
        for (const end of stops) end()
      }
    })
    if (!isAny()) await Promise.race([came, aborted(signal)])
    stop()
  }
  return async signal => {
    await first(signal)
    if (signal.aborted) return
    const [{ csiSidecars }, { controllerDrivers }] = await Promise.all([
      import('../kubelet/csi/sidecars/sidecars.ts'),
      import('../kubelet/csi/sidecars/drivers.ts'),
    ])
    const log = options.log.child({ component: 'csi' })
    const client = createClient(options.transport(storage), { defaultCause: { actor: 'csi' } })
    const informers = createInformers({ client, clock, log })
    const events = createEvents({ client, clock, log })
    const controllers = csiSidecars(controllerDrivers(() => drivers.flatMap(ofNode => ofNode.list())))
    const run = runControllers({ controllers, client, informers, clock, random, log, events })
    await runAll(
      [
        ['informers', informers.run],
        ['events', events.run],
        ['sidecars', run],
      ],
      signal,
    )
  }
}
