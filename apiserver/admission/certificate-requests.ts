import { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import { parseRequest } from '../../api/certificates/request-pem.ts'
import { forbiddenError } from '../../api/errors.ts'
import type { Draft } from '../../api/kind.ts'
import type { UserInfo } from '../../api/user.ts'
import { timestamp } from '../../lib/clock.ts'
import { copy, deepEqual } from '../../lib/json.ts'
import type { AdmissionStep, Attempt } from '../admission.ts'

type Request = Draft<CertificateSigningRequest>
type Condition = NonNullable<Request['status']['conditions']>[number]

const kinds = [CertificateSigningRequest]
const requestOf = ({ object }: Attempt) => object as unknown as Request
const oldOf = ({ old }: Attempt) => old as unknown as CertificateSigningRequest
const forbid = (attempt: Attempt, why: string) => forbiddenError(attempt.kind, attempt.object.metadata.name, why)

/** Who asks is who sent the request, whatever the request says (pkg/registry/certificates/certificates PrepareForCreate). */
export const certificateRequester: AdmissionStep = {
  name: 'CertificateRequester',
  kinds,
  operations: ['CREATE'],
  admit(attempt) {
    const { spec } = requestOf(attempt)
    const { name, uid, groups, extra = {} } = attempt.user
    const { username: _username, uid: _uid, groups: _groups, extra: _extra, ...asked } = spec
    requestOf(attempt).spec = {
      ...asked,
      username: name,
      ...(uid && { uid }),
      ...(groups.length > 0 && { groups: [...groups] }),
      ...(Object.keys(extra).length > 0 && { extra: copy(extra) as Record<string, string[]> }),
    }
  },
}

/** Approvers write verdicts and nothing else, signers everything but verdicts; times that are missing are filled in. */
export const certificateConditions: AdmissionStep = {
  name: 'CertificateConditions',
  kinds,
  operations: ['UPDATE'],
  subresources: ['status', 'approval'],
  admit(attempt, { clock }) {
    const { subresource } = attempt
    if (subresource === undefined) return
    const request = requestOf(attempt)
    const { status: before } = oldOf(attempt)
    if (subresource === 'approval') {
      const { conditions } = request.status
      request.status = { ...(copy(before) as Request['status']), ...(conditions && { conditions }) }
      if (!conditions) delete request.status.conditions
    } else for (const type of ['Approved', 'Denied']) keepInstances(request, before.conditions ?? [], type)
    const now = timestamp(clock.now())
    for (const condition of request.status.conditions ?? []) {
      condition.lastUpdateTime ??= now
      condition.lastTransitionTime ??= unchangedSince(condition, before.conditions) ?? now
    }
  },
}

function unchangedSince({ type, status }: Condition, before: readonly Condition[] = []): string | undefined {
  return before.find(each => each.type === type && each.status === status && each.lastTransitionTime)?.lastTransitionTime
}

/** A signer that sends a verdict back somewhat changed has not meant it. */
function keepInstances({ status }: Request, before: readonly Condition[], type: string): void {
  const { conditions = [] } = status
  const olds = before.filter(each => each.type === type)
  if (conditions.filter(each => each.type === type).length !== olds.length) return
  status.conditions = conditions.map(each => (each.type === type ? (copy(olds.shift()) as Condition) : each))
  if (conditions.length === 0) delete status.conditions
}

const clientSigner = 'kubernetes.io/kube-apiserver-client'

/** Nobody becomes an administrator by asking for a certificate (plugin/pkg/admission/certificates/subjectrestriction). */
export const certificateSubjectRestriction: AdmissionStep = {
  name: 'CertificateSubjectRestriction',
  kinds,
  operations: ['CREATE'],
  check(attempt) {
    const { signerName, request } = requestOf(attempt).spec
    if (signerName !== clientSigner || !parseRequest(request).organizations.includes('system:masters')) return
    throw forbid(attempt, `use of ${clientSigner} signer with system:masters group is not allowed`)
  },
}

/** Whether a user may `approve` or `sign` for a signer, or for all signers of a domain. */
export type MayActForSigner = (user: UserInfo, verb: 'approve' | 'sign', signerName: string) => boolean

/** Who may approve, and who may sign (plugin/pkg/admission/certificates/approval and signing). */
export function certificateSigners(may: MayActForSigner): readonly AdmissionStep[] {
  const mayAct = (user: UserInfo, verb: 'approve' | 'sign', signerName: string) =>
    may(user, verb, signerName) || may(user, verb, `${signerName.split('/')[0]}/*`)
  return [
    {
      name: 'CertificateApproval',
      kinds,
      operations: ['UPDATE'],
      subresources: ['approval'],
      check(attempt) {
        const { signerName } = oldOf(attempt).spec
        if (attempt.subresource !== 'approval' || mayAct(attempt.user, 'approve', signerName)) return
        throw forbid(attempt, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`)
      },
    },
    {
      name: 'CertificateSigning',
      kinds,
      operations: ['UPDATE'],
      subresources: ['status'],
      check(attempt) {
        const { spec, status } = oldOf(attempt)
        if (attempt.subresource !== 'status' || deepEqual(status, requestOf(attempt).status)) return
        if (mayAct(attempt.user, 'sign', spec.signerName)) return
        throw forbid(attempt, `user not permitted to sign requests with signerName ${JSON.stringify(spec.signerName)}`)
      },
    },
  ]
}
