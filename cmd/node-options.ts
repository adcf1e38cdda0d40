import { value } from '../api/quantity.ts'
import type { StageList } from '../api/simulation/stages.ts'
import type { KubeletConfig } from '../kubelet/config.ts'
import type { Kubelet } from '../kubelet/kubelet.ts'
import type { NetworkMode } from '../kubelet/network/route-plan.ts'
import type { Machine } from '../kubelet/node/machine.ts'
import type { SimulatedEngine } from '../kubelet/runtime/simulated/engine.ts'
import type { ServingCertificate } from '../kubelet/server/server.ts'
import type { Run } from '../lib/run.ts'
import { issueCertificate } from '../lib/x509/certificate.ts'
import type { ComponentOptions } from './control-plane.ts'
import type { KubeletSettings } from './kubelet-settings.ts'

/** The label by which simulated nodes can be told from real ones. */
export const runtimeLabel = 'wherry.dev/runtime'

export interface NodesOptions extends ComponentOptions, KubeletSettings {
  /** The mark of this cluster's containers. */
  readonly cluster: string
  /** Names of nodes on the Docker engine. */
  readonly docker: readonly string[]
  readonly simulated: readonly string[]
  /** Nodes keep their pods' folders below it, each in its own. */
  readonly rootDir: string
  /** Where the engine is, if not at the usual socket. */
  readonly engine?: { readonly socketPath?: string; readonly host?: string }
  /** Containers of simulated nodes outlive the nodes if the engine does. */
  readonly simulatedEngine?: SimulatedEngine
  readonly simulatedMachine?: Partial<Pick<Machine, 'cpus' | 'memoryInBytes'>>
  /** What is to be played on simulated nodes; those that stages give figures to evict pods by them. An engine that is given has its own. */
  readonly simulatedStages?: StageList | undefined
  /** The authority (PEM) of those who may speak with kubelets by HTTPS. Absent: kubelets do not listen. */
  readonly clientCa?: string
  /** How those on Docker are reached, if it is not the first address of this machine. */
  readonly addresses?: readonly string[] | undefined
  /** The port of their only kubelet; default any free one. */
  readonly kubeletPort?: number | undefined
  /** What kubelets show to those who call them; while there is none, one of their own making. */
  readonly servingCertificate?: (() => ServingCertificate | undefined) | undefined
  /** What nodes on Docker register with, beside the usual. */
  readonly kubelet?: Partial<Pick<KubeletConfig, 'nodeLabels' | 'registerWithTaints'>> | undefined
  /** How pods of other hosts are reached; default auto. */
  readonly networkMode?: NetworkMode | undefined
  /** The longest wait between two tries to reach the API server. */
  readonly longestRetryInMs?: number | undefined
  /** Where kubelets listen, each on a free port; by default those on Docker do on loopback, and simulated ones do not. */
  readonly kubeletAddress?: string | undefined
}

/** Takes in a kubelet, and answers what to run. */
export type Keep = (name: string, kubelet: Kubelet) => readonly [string, Run]

/** How the kubelet of a node listens: on a free port, with a certificate of its own making that is made when it is first shown. */
export function serverOf(
  { clientCa, kubeletAddress, kubeletPort = 0, servingCertificate, clock }: NodesOptions,
  nodeName: string,
  addresses: readonly string[],
) {
  if (clientCa === undefined) return {}
  let made: ServingCertificate | undefined
  const now = clock.now()
  const hosts = [nodeName, 'localhost', '127.0.0.1', ...addresses]
  const subject = { commonName: `${nodeName}@${Math.floor(now / 1000)}` }
  const validity = { notBefore: now - 60 * 60_000, notAfter: now + 365 * 24 * 60 * 60_000 }
  const own = () => (made ??= issueCertificate({ subject, purpose: 'server', hosts, ...validity }))
  const certificate = () => servingCertificate?.() ?? own()
  return { server: { address: kubeletAddress ?? '127.0.0.1', port: kubeletPort, clientCa, certificate } }
}

/** Memory that is kept from pods, in bytes. */
export function reservedMemory({ garbage }: NodesOptions): number {
  const { systemReserved, kubeReserved } = garbage?.config ?? {}
  return value(systemReserved?.memory ?? '0') + value(kubeReserved?.memory ?? '0')
}
