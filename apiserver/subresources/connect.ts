import type { AnyKind } from '../../api/kind.ts'
import type { AnyDraft } from '../decode-body.ts'
import type { ApiRequest } from '../request.ts'
import type { SubresourceDependencies } from '../subresources.ts'

/** What the options of a subresource that is connected to are called (k8s.io/api/core/v1). */
export type ConnectOptions =
  | 'PodExecOptions'
  | 'PodAttachOptions'
  | 'PodPortForwardOptions'
  | 'PodProxyOptions'
  | 'ServiceProxyOptions'
  | 'NodeProxyOptions'

/** Asks admission whether this connection may be made; before anything else is looked at, as upstream does. */
export async function admitConnect(
  { admission }: SubresourceDependencies,
  kind: AnyKind,
  request: ApiRequest,
  optionsKind: ConnectOptions,
): Promise<void> {
  if (!admission) return
  const { namespace, name, subresource, user, annotate, parameters } = request
  const attempt = {
    operation: 'CONNECT' as const,
    kind,
    namespace,
    name,
    subresource,
    user,
    isDryRun: false,
    options: {},
    object: { kind: optionsKind, apiVersion: 'v1', metadata: {}, ...parameters } as unknown as AnyDraft,
    old: undefined,
    warnings: [],
    annotate,
  }
  await admission.admit(attempt)
  await admission.check(attempt)
}
