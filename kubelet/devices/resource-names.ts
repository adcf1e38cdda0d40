/** Names with a domain that is not Kubernetes' own (pkg/apis/core/v1/helper IsExtendedResourceName). */
export function isExtendedResource(name: string): boolean {
  const [domain = '', rest = ''] = name.split('/')
  return rest !== '' && !name.startsWith('requests.') && !/(^|\.)kubernetes\.io$/.test(domain)
}
