import * as z from 'zod'
import { age } from '../columns.ts'
import { humanDuration } from '../duration.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields } from '../meta.ts'
import { atomicList, base64Text, int32, listMap, named, requiredText, text, timestampText } from '../schema.ts'
import { validateRequest, validateRequestStatus } from './request-validation.ts'

const CertificateSigningRequestSpec = named(
  'certificates/v1.CertificateSigningRequestSpec',
  'Which certificate is wanted, and who asks for it.',
  () => ({
    request: base64Text().default('').describe('The request as PKCS #10, in PEM.'),
    signerName: requiredText('Who is to sign it: `example.com/signer`.'),
    expirationSeconds: int32().optional().describe('How long the certificate is to be good for.'),
    usages: atomicList(z.string()).optional().describe('What the certificate is to be used for.'),
    username: text('Who asks; set by the server.'),
    uid: text('UID of who asks; set by the server.'),
    groups: atomicList(z.string()).optional().describe('Groups of who asks; set by the server.'),
    extra: z.record(z.string(), z.array(z.string())).optional().describe('More about who asks; set by the server.'),
  }),
  { wire: 'request 7:signerName 8:expirationSeconds 5:usages 2:username 3:uid 4:groups 6:extra' },
)

const CertificateSigningRequestStatus = named(
  'certificates/v1.CertificateSigningRequestStatus',
  'What became of the request.',
  () => ({
    conditions: listMap(
      named(
        'certificates/v1.CertificateSigningRequestCondition',
        'Approved, Denied or Failed.',
        () => ({ ...conditionFields, lastUpdateTime: timestampText().optional().describe('When it was written last.') }),
        { wire: 'type 6:status 2:reason 3:message 4:lastUpdateTime 5:lastTransitionTime' },
      ),
      'type',
    )
      .optional()
      .describe('Approved, Denied or Failed.'),
    certificate: base64Text().optional().describe('The certificate in PEM, once it is signed.'),
  }),
  { wire: 'conditions certificate' },
)

/** What of a request its rules look into. */
export interface RequestParts {
  readonly spec: z.output<typeof CertificateSigningRequestSpec>
  readonly status: z.output<typeof CertificateSigningRequestStatus>
}

function stateOf({ status: { conditions = [], certificate } }: RequestParts): string {
  const has = (wanted: string) => conditions.some(({ type }) => type === wanted)
  const verdict = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return `${verdict}${has('Failed') ? ',Failed' : ''}${certificate ? ',Issued' : ''}`
}

/** Asks for a certificate. Somebody approves it, somebody signs it. */
export const CertificateSigningRequest = defineKind({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  shortNames: ['csr'],
  namespaced: false,
  description: 'Asks for a certificate. Somebody approves it, somebody signs it.',
  fields: () => ({
    spec: CertificateSigningRequestSpec.prefault({}).describe('Which certificate is wanted, and who asks for it.'),
    status: CertificateSigningRequestStatus.prefault({}).describe('What became of it.'),
  }),
  columns: [
    age,
    { name: 'SignerName', description: 'Who is to sign it.', value: ({ spec }) => spec.signerName || '<none>' },
    { name: 'Requestor', description: 'Who asks.', value: ({ spec }) => spec.username ?? '' },
    {
      name: 'RequestedDuration',
      description: 'How long the certificate is to be good for.',
      value: ({ spec: { expirationSeconds } }) =>
        expirationSeconds === undefined ? '<none>' : humanDuration(expirationSeconds * 1000),
    },
    { name: 'Condition', description: 'What became of it.', value: stateOf },
  ],
  subresources: ['approval', 'status'],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName },
  validateName: () => [],
  prepareForUpdate(request, { spec }) {
    request.spec = structuredClone(spec) as typeof request.spec
  },
  validate: validateRequest,
  validateStatus: validateRequestStatus,
})
export type CertificateSigningRequest = ObjectOf<typeof CertificateSigningRequest>
