/** repository[:tag][@digest] (github.com/distribution/reference, regexp.go). */
const host =
  /(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/
const component = /[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*/
const digest = /[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}/
const reference = new RegExp(
  `^((?:${host.source}/)?${component.source}(?:/${component.source})*)(?::([\\w][\\w.-]{0,127}))?(?:@(${digest.source}))?$`,
)
const longestName = 255
const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }

/** Why a text cannot be the name of an image; `undefined`: it can. */
export function imageNameFault(image: string): string | undefined {
  if (/^[a-f0-9]{64}$/.test(image)) return `invalid repository name (${image}), cannot specify 64-byte hexadecimal strings`
  const path = withoutHost(image).replace(/:.*$/, '')
  if (path !== path.toLowerCase()) return `invalid reference format: repository name (${path}) must be lowercase`
  const found = reference.exec(image)
  if (!found) return 'invalid reference format'
  const [, name = '', , hash] = found
  if (name.length > longestName) return `repository name must not be more than ${longestName} characters`
  if (hash === undefined) return undefined
  const [algorithm = '', hex = ''] = hash.split(':')
  const length = digestLengths[algorithm]
  if (length === undefined) return 'unsupported digest algorithm'
  return hex.length === length ? undefined : 'invalid checksum digest length'
}

/** The first part of a name is a host when it looks like one. */
function withoutHost(image: string): string {
  const slash = image.indexOf('/')
  const first = image.slice(0, Math.max(slash, 0))
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase()
  return isHost ? image.slice(slash + 1) : image
}
