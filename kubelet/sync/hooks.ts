import type { Pod } from '../../api/core/pod.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import { podLabel } from '../names.ts'
import type { AnyContainer, LifecycleHandler } from '../pod-types.ts'
import { connectionFault, type HttpTarget, httpGet, httpUrl, isPlainHttp, urlText } from '../probes/http-get.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { messageOf, unlessAborted } from './sync-error.ts'

/** Runs a lifecycle handler to its end. Throws an Error whose message is the detail that users see (semantics C7). */
export type RunHook = (handler: LifecycleHandler, target: HookTarget, signal: AbortSignal) => Promise<void>

export interface HookTarget {
  readonly pod: Pod
  readonly container: AnyContainer
  readonly containerId: string
  readonly podIp: string
}

/** Hooks have no limit of their own; whoever waits decides. */
const longestInMs = 24 * 3600_000

interface Options {
  runtime: ContainerRuntime
  clock: Clock
  events: EventRecorder
}

export function hookRunner({ runtime, clock, events }: Options): RunHook {
  return async ({ exec, httpGet: http, sleep }, { pod, container, containerId, podIp }, signal) => {
    const failed = (what: string, error: string, output?: string) => {
      const message = output === undefined ? '' : `, message: ${JSON.stringify(output)}`
      return new Error(`${what} for Container "${container.name}" in Pod "${podLabel(pod)}" failed - error: ${error}${message}`)
    }
    if (exec) {
      const command = exec.command ?? []
      const what = `Exec lifecycle hook ([${command.join(' ')}])`
      const running = runtime.execSync(containerId, command, longestInMs).catch((error: unknown) => {
        throw failed(what, messageOf(error), '')
      })
      const { exitCode, output } = await unlessAborted(running, signal)
      if (exitCode !== 0) throw failed(what, `command '${command.join(' ')}' exited with ${exitCode}: ${output}`, output)
    } else if (http) {
      try {
        const host = podIp || pod.status.podIP || (pod.spec.hostNetwork ? pod.status.hostIP : '') || ''
        if (!http.host && host === '') throw new Error('failed to find networking container: it has no address')
        await getOverEither(pod, { url: httpUrl(http, container, host), headers: http.httpHeaders ?? [] }, signal)
      } catch (error) {
        throw failed(`HTTP lifecycle hook (${http.path})`, messageOf(error))
      }
    } else if (sleep) {
      await clock.sleep(sleep.seconds * 1000, signal)
      if (signal.aborted)
        throw failed(`Sleep lifecycle hook (${sleep.seconds})`, 'container terminated before sleep hook finished')
    } else {
      throw new Error('Cannot run handler: invalid handler: neither exec nor httpGet nor sleep')
    }
  }

  /** Any answer counts. A server that was asked over HTTPS and speaks HTTP is asked again, without credentials. */
  async function getOverEither(pod: Pod, { url, headers }: HttpTarget, signal: AbortSignal): Promise<void> {
    const again = await httpGet({ url, headers }, 'lifecycle', signal).then(
      () => false,
      (error: unknown) => {
        if (url.protocol === 'https:' && isPlainHttp(error)) return true
        throw new Error(`Get "${urlText(url)}": ${connectionFault(error)}`)
      },
    )
    if (!again) return
    const plain = new URL(`http:${url.href.slice('https:'.length)}`)
    plain.port = url.port || '443'
    const harmless = headers.filter(({ name }) => !/^authorization$/i.test(name))
    await httpGet({ url: plain, headers: harmless }, 'lifecycle', signal).catch((error: unknown) => {
      throw new Error(`Get "${urlText(plain)}": ${connectionFault(error)}`)
    })
    const text = `request to HTTPS lifecycle hook ${plain.host} got HTTP response, retry with HTTP succeeded`
    events.record(pod, 'Warning', 'LifecycleHTTPFallback', text)
  }
}
