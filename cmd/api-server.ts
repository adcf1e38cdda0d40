import { ignore } from '../api/errors.ts'
import { bodyKinds, kinds } from '../api/kinds.ts'
import type { NodeAgent } from '../api/node-agent.ts'
import { StorageClass } from '../api/storage/storage-class.ts'
import type { Transport } from '../api/transport.ts'
import { type UserInfo, users } from '../api/user.ts'
import type { PodSecurityConfiguration } from '../apiserver/admission/pod-security/configuration.ts'
import { admissionStepsWith } from '../apiserver/admission-steps.ts'
import type { Auditor } from '../apiserver/audit/auditor.ts'
import { accessControl } from '../apiserver/auth/access-control.ts'
import type { StaticToken } from '../apiserver/auth/authenticator.ts'
import type { Certificates } from '../apiserver/auth/certificates.ts'
import { bootstrap } from '../apiserver/bootstrap.ts'
import { componentStatuses } from '../apiserver/component-statuses.ts'
import { deletedRoute } from '../apiserver/deleted-route.ts'
import { extensibleAdmission } from '../apiserver/extensible-admission.ts'
import { withBodyKinds } from '../apiserver/http/body.ts'
import { serve } from '../apiserver/http/server.ts'
import { localTransport } from '../apiserver/local-transport.ts'
import { metricsProviders } from '../apiserver/metrics.ts'
import type { KubeletAddress } from '../apiserver/nodes/address.ts'
import type { KubeletCredentials } from '../apiserver/nodes/kubelet-client.ts'
import { nodeAgents as findNodeAgents } from '../apiserver/nodes/node-agents.ts'
import { followedConfiguration } from '../apiserver/overload/followed-configuration.ts'
import { overloadGate } from '../apiserver/overload/gate.ts'
import { createPipeline, type Pipeline } from '../apiserver/pipeline.ts'
import { standingObjects } from '../apiserver/standing-objects.ts'
import { tableMakers } from '../apiserver/table.ts'
import { whyRoute } from '../apiserver/why-route.ts'
import { createClient } from '../client/typed-client.ts'
import { localProvisionerName } from '../controllers/local-provisioner/plan.ts'
import { isDefaultClass } from '../controllers/persistent-volume/names.ts'
import type { Clock } from '../lib/clock.ts'
import { deferred } from '../lib/deferred.ts'
import type { Log } from '../lib/log.ts'
import { pace } from '../lib/pace.ts'
import type { Random } from '../lib/random.ts'
import { type Run, runAll } from '../lib/run.ts'
import { compactor } from '../storage/compactor.ts'
import type { Store } from '../storage/store.ts'

export interface ApiServerOptions {
  readonly store: Store
  readonly certificates: Certificates
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Kubelets of this process, and where they listen, if they do. */
  readonly nodeAgents: (nodeName: string) => NodeAgent | undefined
  readonly nodeAddresses?: ((nodeName: string) => KubeletAddress | undefined) | undefined
  /** Who the API server is to other kubelets; absent: there are none. */
  readonly kubeletCredentials?: (() => Promise<KubeletCredentials>) | undefined
  /** Tokens that are known by heart. */
  readonly staticTokens?: readonly StaticToken[] | undefined
  /** Who the tokens of service accounts say that they are from; an https URL. */
  readonly issuer?: string | undefined
  /** How long pods that were deleted can be asked for, as far as the store remembers; default ten minutes. */
  readonly keepDeletedInMs?: number | undefined
  /** What pods are held to where namespaces do not say; absent: to nothing. */
  readonly podSecurity?: PodSecurityConfiguration | undefined
  /** Writes down who did what. */
  readonly audit?: { readonly auditor: Auditor; readonly run: Run } | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface ApiServer {
  readonly run: Run
  /** Resolves when requests are answered under the default roles; rejects when it cannot listen. */
  readonly ready: Promise<{ readonly host: string; readonly port: number }>
  /** Straight into the pipeline, as somebody. */
  transport(user: UserInfo): Transport
}

const defaultKeepDeletedInMs = 600_000

/** The API server: the pipeline over a store, access control over its own objects, and the HTTPS front door. */
export function apiServer(options: ApiServerOptions): ApiServer {
  const { store, certificates, clock, random, log } = options
  const agents = findNodeAgents({
    handle: request => pipeline.handle(request),
    local: options.nodeAgents,
    localAddress: options.nodeAddresses,
    credentials: options.kubeletCredentials,
    clock,
  })
  const nodeAgents = agents.of
  const control = accessControl({
    handle: request => pipeline.handle(request),
    serviceAccountKey: certificates.serviceAccountKey,
    staticTokens: options.staticTokens,
    issuer: options.issuer,
    clock,
    random,
    log,
  })
  const extensions = extensibleAdmission({
    handle: request => pipeline.handle(request),
    kinds: () => pipeline.kinds,
    authorizer: control.authorizer,
    clock,
    log,
  })
  const pipeline: Pipeline = createPipeline({
    store,
    kinds,
    bodyKinds,
    providers: [
      ...control.reviews,
      ...metricsProviders({ handle: call => pipeline.handle(call), nodeAgents, clock }),
      componentStatuses({ handle: call => pipeline.handle(call), clock }),
    ],
    authorize: control.authorize,
    admission: [...admissionStepsWith(options.podSecurity), ...control.admission, ...extensions.steps],
    issueToken: control.issueToken,
    nodeAgents,
    clock,
    random,
    log,
  })
  const tables = tableMakers(pipeline.kinds)
  const tellWhy = whyRoute(pipeline)
  const tellDeleted = deletedRoute({
    store,
    authorize: control.authorize,
    nodeAgents,
    table: () => tables({ group: '', version: 'v1', resource: 'pods' }),
    keepInMs: options.keepDeletedInMs ?? defaultKeepDeletedInMs,
    clock,
  })
  const flowControl = followedConfiguration(kinds, { handle: pipeline.handle, clock, log })
  const paced = pace(clock)
  const http = serve({
    handle(request) {
      paced.visited()
      return pipeline.handle(request)
    },
    authenticator: control.authenticator,
    authorizer: control.authorizer,
    tables,
    kinds: withBodyKinds(pipeline.kinds, bodyKinds),
    documents: pipeline.documents,
    tokens: control.tokens,
    extraRoutes: (path, query, user) => tellWhy(path, query, user) ?? tellDeleted(path, query, user),
    decidesItself: path => path.startsWith('/wherry/v1/'),
    audit: options.audit?.auditor,
    gate: overloadGate({ source: flowControl.source, clock }),
    tls: { ca: certificates.ca, certificate: certificates.server.certificate, key: certificates.server.key },
    host: options.host,
    port: options.port,
    clock,
    random,
    log,
  })
  const transport = (user: UserInfo) => localTransport({ pipeline, user, clock, pace: paced })

  const prepare = async (signal: AbortSignal) => {
    await Promise.all([
      bootstrap({ pipeline, signal, securePort: options.port || 6443 }),
      ensureDefaultClass(transport(users.apiServer)),
    ])
    await Promise.all([control.ready, extensions.ready])
    return http.address
  }
  const ready = deferred<{ host: string; port: number }>()
  ready.promise.catch(() => {}) // whoever runs the server hears of it too

  return {
    ready: ready.promise,
    transport,
    async run(signal) {
      ready.resolve(prepare(signal))
      const parts = [
        ...(options.audit ? [['audit log', options.audit.run] as const] : []),
        ['storage compaction', compactor({ store, clock, log })],
        ['pipeline', pipeline.run],
        ...(flowControl.run ? [['flow control', flowControl.run] as const] : []),
        ['access control', control.run],
        ['webhooks and policies', extensions.run],
        ['standing objects', standingObjects({ pipeline, ready: ready.promise, clock, log })],
        ['HTTPS server', http.run],
      ] as const
      await runAll(parts, signal)
      agents.close()
    },
  }
}

/** The class that claims get their volumes from when they name none. */
async function ensureDefaultClass(transport: Transport): Promise<void> {
  const standard = {
    metadata: { name: 'standard', annotations: { [isDefaultClass]: 'true' } },
    provisioner: localProvisionerName,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
  } as const
  const client = createClient(transport, { defaultCause: { actor: 'bootstrap' } })
  await client.create(StorageClass, standard).catch(ignore('AlreadyExists'))
}
