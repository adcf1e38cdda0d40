/** Who a request comes from, once authenticated (k8s.io/apiserver/pkg/authentication/user). */
export interface UserInfo {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** The names that components go by, and the groups that RBAC's default roles are bound to. */
export const users = {
  admin: { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
  apiServer: { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] },
  scheduler: { name: 'system:kube-scheduler', groups: ['system:authenticated'] },
  controllerManager: { name: 'system:kube-controller-manager', groups: ['system:authenticated'] },
  /** The API server, to kubelets. */
  kubeletClient: { name: 'kube-apiserver-kubelet-client', groups: ['system:masters', 'system:authenticated'] },
  /** Makes routes between the nodes of a process: reads all Nodes, which no kubelet may. */
  podNetwork: { name: 'system:wherry:pod-network', groups: ['system:authenticated'] },
  node: (nodeName: string): UserInfo => ({ name: `system:node:${nodeName}`, groups: ['system:nodes', 'system:authenticated'] }),
  anonymous: { name: 'system:anonymous', groups: ['system:unauthenticated'] },
} as const
