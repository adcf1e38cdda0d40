import { pemOf } from '../../api/certificates/request-pem.ts'
import { type RequestFacts, readRequest } from '../../lib/x509/request.ts'

export const signers = {
  client: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  legacy: 'kubernetes.io/legacy-unknown',
} as const

export const nodePrefix = 'system:node:'

/** Reads what a CertificateSigningRequest carries. Throws when it cannot be read. */
export const askedFor = (request: string): RequestFacts => readRequest(pemOf(request))

/** What keeps a request from being one of a kubelet for a client certificate (pkg/apis/certificates/helpers.go). */
export function kubeletClientFault(asked: RequestFacts, usages: readonly string[]): string | undefined {
  const { dnsNames, emailAddresses, ipAddresses, uris } = asked.names
  if (!isOfNodes(asked)) return 'subject organization is not system:nodes'
  if (dnsNames.length > 0) return 'DNS subjectAltNames are not allowed'
  if (emailAddresses.length > 0) return 'Email subjectAltNames are not allowed'
  if (ipAddresses.length > 0) return 'IP subjectAltNames are not allowed'
  if (uris.length > 0) return 'URI subjectAltNames are not allowed'
  if (!namesNode(asked)) return 'subject common name does not begin with system:node:'
  return usageFault(usages, 'client auth')
}

/** The same for the certificate that it shows to those who call it. */
export function kubeletServingFault(asked: RequestFacts, usages: readonly string[]): string | undefined {
  const { dnsNames, emailAddresses, ipAddresses, uris } = asked.names
  if (!isOfNodes(asked)) return 'subject organization is not system:nodes'
  if (dnsNames.length + ipAddresses.length === 0) return 'DNS or IP subjectAltName is required'
  if (emailAddresses.length > 0) return 'Email subjectAltNames are not allowed'
  if (uris.length > 0) return 'URI subjectAltNames are not allowed'
  return (
    usageFault(usages, 'server auth') ?? (namesNode(asked) ? undefined : 'subject common name does not begin with system:node:')
  )
}

/** What keeps a certificate from being one for a client. */
export function clientFault(usages: readonly string[]): string | undefined {
  const other = usages.find(usage => !['digital signature', 'key encipherment', 'client auth'].includes(usage))
  if (other !== undefined) return `invalid usage for client certificate: ${other}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}

/** The name that counts, as Go reads it: the last CN. */
export const commonNameOf = ({ commonNames }: RequestFacts): string => commonNames.at(-1) ?? ''

const isOfNodes = ({ organizations }: RequestFacts) => organizations.length === 1 && organizations[0] === 'system:nodes'
const namesNode = (asked: RequestFacts) => commonNameOf(asked).startsWith(nodePrefix)

/** Just what a kubelet needs; key encipherment is for RSA keys only. */
function usageFault(usages: readonly string[], purpose: 'client auth' | 'server auth'): string | undefined {
  const asked = [...new Set(usages)].filter(usage => usage !== 'key encipherment').sort()
  const wanted = purpose === 'client auth' ? ['client auth', 'digital signature'] : ['digital signature', 'server auth']
  const all = ['key encipherment', ...wanted].sort().join(' ')
  return asked.join() === wanted.join() ? undefined : `usages did not match [${all}]`
}
