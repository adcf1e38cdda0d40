import { SubjectAccessReview } from '../../api/authorization/subject-access-review.ts'
import { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import { Node } from '../../api/core/node.ts'
import type { Controller, ReconcileContext, Watch } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { timestamp } from '../../lib/clock.ts'
import { copy, deepEqual } from '../../lib/json.ts'
import type { RequestFacts } from '../../lib/x509/request.ts'
import { askedFor, commonNameOf, kubeletClientFault, nodePrefix, signers } from './kubelet-requests.ts'
import { servingDoubt } from './serving-plan.ts'

/**
 * Approves what kubelets ask for: client certificates when whoever asks may have them (pkg/controller/certificates/approver), and
 * serving certificates that name a node's own addresses only. Upstream leaves the latter to an administrator or a cloud's controller.
 */
export const certificateApproval: Controller = {
  name: 'csrapproving',
  watches: [on(CertificateSigningRequest), on(Node, waitingForAddresses())],
  writes: [CertificateSigningRequest, SubjectAccessReview],

  async reconcile(context, key) {
    const request = context.lister(CertificateSigningRequest).get(key)
    if (!request || !isOpen(request)) return
    const asked = askedFor(request.spec.request)
    if (request.spec.signerName === signers.kubeletClient) await considerClient(context, request, asked)
    if (request.spec.signerName === signers.kubeletServing) await considerServing(context, request, asked)
  },
}

const isOpen = ({ status: { certificate, conditions = [] } }: CertificateSigningRequest) =>
  !certificate && !conditions.some(({ type }) => type === 'Approved' || type === 'Denied')

async function considerClient(context: ReconcileContext, request: CertificateSigningRequest, asked: RequestFacts): Promise<void> {
  if (kubeletClientFault(asked, request.spec.usages ?? []) !== undefined) return
  const self = request.spec.username === commonNameOf(asked)
  const ways = [
    ...(self ? [['selfnodeclient', 'Auto approving self kubelet client certificate after SubjectAccessReview.'] as const] : []),
    ['nodeclient', 'Auto approving kubelet client certificate after SubjectAccessReview.'] as const,
  ]
  for (const [subresource, message] of ways) {
    if (await mayCreate(context, request, subresource)) return approve(context, request, message)
  }
  context.log.info({ request: request.metadata.name, user: request.spec.username }, 'whoever asks may not have this certificate')
}

async function mayCreate(context: ReconcileContext, { spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
  const resource = { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', version: '*' }
  const { status } = await context.client.create(SubjectAccessReview, {
    metadata: {},
    spec: {
      user: spec.username ?? '',
      groups: [...(spec.groups ?? [])],
      ...(spec.uid && { uid: spec.uid }),
      ...(spec.extra && { extra: copy(spec.extra) }),
      resourceAttributes: { ...resource, verb: 'create', subresource },
    },
  })
  return status?.allowed === true
}

async function considerServing(
  context: ReconcileContext,
  request: CertificateSigningRequest,
  asked: RequestFacts,
): Promise<void> {
  const { username = '', groups = [], usages = [] } = request.spec
  const node = context.lister(Node).get(username.startsWith(nodePrefix) ? username.slice(nodePrefix.length) : '')
  const doubt = servingDoubt({ asked, usages, username, groups, node })
  if (doubt === undefined)
    return approve(context, request, 'Auto approving kubelet serving certificate: it names addresses of this node only.')
  context.log.info({ request: request.metadata.name, doubt }, 'a serving certificate waits for somebody else to approve it')
}

async function approve({ client, clock }: ReconcileContext, request: CertificateSigningRequest, message: string): Promise<void> {
  const lastUpdateTime = timestamp(clock.now())
  const approved = { type: 'Approved', status: 'True' as const, reason: 'AutoApproved', message, lastUpdateTime }
  const { conditions = [] } = copy(request.status)
  const next = { ...copy(request), status: { ...copy(request.status), conditions: [...conditions, approved] } }
  const note = { rule: 'csrapproving/approve', text: message }
  await client.update(CertificateSigningRequest, next, { subresource: 'approval', note })
}

/** A node that has just told its addresses wakes its own requests that wait for that. */
function waitingForAddresses(): Watch['keys'] {
  return ({ type, object, previous }, lister) => {
    const node = object as Node
    if (type === 'deleted' || (previous && deepEqual((previous as Node).status.addresses, node.status.addresses))) return []
    const user = nodePrefix + node.metadata.name
    const waiting = lister(CertificateSigningRequest)
      .list()
      .filter(request => request.spec.username === user && isOpen(request))
    return waiting.map(({ metadata }) => metadata.name)
  }
}
