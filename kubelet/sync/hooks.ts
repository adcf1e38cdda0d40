import type { Pod } from '../../api/core/pod.ts'
import type { Clock } from '../../lib/clock.ts'
import { podLabel } from '../names.ts'
import type { AnyContainer, LifecycleHandler } from '../pod-types.ts'
import { httpUrl } from '../probes/checks.ts'
import { get } from '../probes/http-check.ts'
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

export function hookRunner({ runtime, clock }: { runtime: ContainerRuntime; clock: Clock }): RunHook {
  return async ({ exec, httpGet, sleep }, { pod, container, containerId, podIp }, signal) => {
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
      const result = await unlessAborted(running, signal)
      if (result.exitCode !== 0)
        throw failed(what, `command '${command.join(' ')}' exited with ${result.exitCode}: ${result.output}`, result.output)
    } else if (httpGet) {
      const url = httpUrl(httpGet, container, podIp)
      await getOverEither(url, httpGet.httpHeaders ?? [], signal).catch((error: unknown) => {
        throw failed(`HTTP lifecycle hook (${httpGet.path})`, messageOf(error))
      })
    } else if (sleep) {
      await clock.sleep(sleep.seconds * 1000, signal)
    } else {
      throw new Error(`invalid handler: ${podLabel(pod)}`)
    }
  }
}

/** Any answer counts. A server that was asked over HTTPS and speaks HTTP is asked again. */
async function getOverEither(url: URL, headers: readonly { name: string; value: string }[], signal: AbortSignal): Promise<void> {
  try {
    await get(url, headers, signal)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (url.protocol !== 'https:' || (code !== 'EPROTO' && code !== 'ERR_SSL_WRONG_VERSION_NUMBER')) throw error
    const plain = new URL(url)
    plain.protocol = 'http:'
    await get(plain, headers, signal)
  }
}
