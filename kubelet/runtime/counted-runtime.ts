import type { Clock } from '../../lib/clock.ts'
import type { KubeletMetrics } from '../metrics.ts'
import type { ContainerConfig, ContainerRuntime } from './runtime.ts'

interface Options {
  readonly runtime: ContainerRuntime
  readonly metrics: Pick<
    KubeletMetrics,
    'operations' | 'operationErrors' | 'operationSeconds' | 'startedPods' | 'startedContainers'
  >
  readonly clock: Clock
}

const typeOf: Record<ContainerConfig['role'], string> = {
  init: 'init_container',
  sidecar: 'init_container',
  app: 'container',
  ephemeral: 'ephemeral_container',
}

type Operation = (...args: never[]) => Promise<unknown>

/** The same runtime, whose operations are counted under upstream's names (pkg/kubelet/kuberuntime/instrumented_services.go). */
export function countedRuntime({ runtime, metrics, clock }: Options): ContainerRuntime {
  const measured = async (operation: string, act: () => Promise<unknown>) => {
    const labels = { operation_type: operation }
    const begun = clock.monotonic()
    metrics.operations.add(labels)
    try {
      return await act()
    } catch (error) {
      metrics.operationErrors.add(labels)
      throw error
    } finally {
      metrics.operationSeconds.observe((clock.monotonic() - begun) / 1000, labels)
    }
  }
  /** The method as it is when it is called. */
  const counted = <Of extends object, Method extends keyof Of>(of: Of, method: Method, operation: string): Of[Method] => {
    const act: Operation = (...args) => measured(operation, () => (of[method] as Operation)(...args))
    return act as Of[Method]
  }
  const createContainer = counted(runtime, 'createContainer', 'create_container')
  const runSandbox = counted(runtime, 'runSandbox', 'run_podsandbox')
  const { images, listPod } = runtime
  return {
    ...runtime,
    version: counted(runtime, 'version', 'version'),
    runSandbox(config) {
      metrics.startedPods.add()
      return runSandbox(config)
    },
    stopSandbox: counted(runtime, 'stopSandbox', 'stop_podsandbox'),
    removeSandbox: counted(runtime, 'removeSandbox', 'remove_podsandbox'),
    createContainer(sandboxId, config) {
      metrics.startedContainers.add({ container_type: typeOf[config.role] })
      return createContainer(sandboxId, config)
    },
    startContainer: counted(runtime, 'startContainer', 'start_container'),
    stopContainer: counted(runtime, 'stopContainer', 'stop_container'),
    removeContainer: counted(runtime, 'removeContainer', 'remove_container'),
    updateResources: counted(runtime, 'updateResources', 'update_container'),
    list: counted(runtime, 'list', 'list_containers'),
    ...(listPod && { listPod: counted({ listPod }, 'listPod', 'list_containers') }),
    inspect: counted(runtime, 'inspect', 'container_status'),
    inspectSandbox: counted(runtime, 'inspectSandbox', 'podsandbox_status'),
    exec: counted(runtime, 'exec', 'exec'),
    execSync: counted(runtime, 'execSync', 'exec_sync'),
    attach: counted(runtime, 'attach', 'attach'),
    connect: counted(runtime, 'connect', 'port_forward'),
    stats: counted(runtime, 'stats', 'list_container_stats'),
    images: {
      ...images,
      status: counted(images, 'status', 'image_status'),
      pull: counted(images, 'pull', 'pull_image'),
      list: counted(images, 'list', 'list_images'),
      remove: counted(images, 'remove', 'remove_image'),
    },
  }
}
