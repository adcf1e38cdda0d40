import type { KubeletConfig } from '../config.ts'
import { defaultServerConfig, type KubeletServerConfig } from '../server/config.ts'

/** A duration as metav1.Duration writes it: `1m0s`. */
function duration(ms: number): string {
  const seconds = ms / 1000
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60]
  if (hours > 0) return `${hours}h${minutes}m${rest}s`
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`
}

/** /configz: how the kubelet works, as a KubeletConfiguration (kubelet.config.k8s.io/v1beta1). */
export function configz(config: KubeletConfig, server: Partial<KubeletServerConfig> | undefined, port?: number): object {
  const { eviction } = config
  const kubeletconfig = {
    enableServer: server !== undefined,
    ...(server && serving({ ...defaultServerConfig, ...server, ...(port !== undefined && { port }) })),
    ...(config.staticPodPath !== undefined && { staticPodPath: config.staticPodPath }),
    syncFrequency: duration(config.syncEveryMs),
    fileCheckFrequency: duration(config.fileCheckEveryMs),
    registerWithTaints: config.registerWithTaints,
    clusterDomain: config.clusterDomain,
    clusterDNS: config.clusterDns,
    nodeStatusUpdateFrequency: duration(config.nodeStatusUpdateEveryMs),
    nodeStatusReportFrequency: duration(config.nodeStatusReportEveryMs),
    nodeLeaseDurationSeconds: config.leaseDurationSeconds,
    maxPods: config.maxPods,
    podsPerCore: config.podsPerCore,
    podPidsLimit: config.podPidsLimit,
    cgroupsPerQOS: config.cgroupsPerQOS,
    enforceNodeAllocatable: config.enforceNodeAllocatable,
    cpuManagerPolicy: config.cpuManagerPolicy,
    memoryManagerPolicy: config.memoryManagerPolicy,
    topologyManagerPolicy: config.topologyManagerPolicy,
    cpuCFSQuota: config.cpuCFSQuota,
    cpuCFSQuotaPeriod: duration(config.cpuCFSQuotaPeriodInUs / 1000),
    ...(config.singleProcessOOMKill !== undefined && { singleProcessOOMKill: config.singleProcessOOMKill }),
    systemReserved: config.systemReserved,
    kubeReserved: config.kubeReserved,
    reservedSystemCPUs: config.reservedSystemCPUs,
    evictionHard: eviction.hard,
    evictionSoft: eviction.soft,
    evictionSoftGracePeriod: mapped(eviction.softGraceInMs, duration),
    evictionMaxPodGracePeriod: eviction.maxPodGraceSeconds,
    evictionMinimumReclaim: eviction.minimumReclaim,
    evictionPressureTransitionPeriod: duration(eviction.transitionPeriodInMs),
    crashLoopBackOff: { maxContainerRestartPeriod: duration(config.maxContainerRestartPeriodMs) },
    shutdownGracePeriodByPodPriority: config.shutdownGracePeriods.map(({ priority, seconds }) => ({
      priority,
      shutdownGracePeriodSeconds: seconds,
    })),
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
  }
  return { kubeletconfig }
}

function serving(server: KubeletServerConfig): object {
  const { address, port, healthz, clientCa } = server
  return {
    address,
    port,
    ...(healthz && { healthzBindAddress: healthz.address, healthzPort: healthz.port }),
    authentication: {
      x509: { ...(clientCa !== undefined && { clientCAFile: '' }) },
      webhook: { enabled: server.tokenWebhook, cacheTTL: duration(server.tokenLifetimeInMs) },
      anonymous: { enabled: server.anonymous },
    },
    authorization: {
      mode: server.authorization === 'alwaysAllow' ? 'AlwaysAllow' : 'Webhook',
      webhook: {
        cacheAuthorizedTTL: duration(server.allowedLifetimeInMs),
        cacheUnauthorizedTTL: duration(server.deniedLifetimeInMs),
      },
    },
    enableDebuggingHandlers: server.debuggingHandlers,
    enableSystemLogHandler: server.logsDir !== undefined,
    enableSystemLogQuery: false,
    enableProfilingHandler: false,
    enableDebugFlagsHandler: false,
  }
}

function mapped<T>(values: Readonly<Record<string, T | undefined>>, to: (value: T) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, to(value)]])))
}
