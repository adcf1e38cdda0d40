import { fractionWarnings } from '../warnings.ts'
import type { Volume } from './volume.ts'

/** How storage systems that are gone went. */
const gone: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}

/** What is to be said about where a volume's data is, by the fields that it has; persistent volumes know some of them, too. */
export function goneVolumeWarnings(volume: object, at: string, spared: readonly string[] = []): string[] {
  const warnings: string[] = []
  for (const field in volume) {
    const why = gone[field]
    const has = (volume as Record<string, unknown>)[field] !== undefined
    if (why && has && !spared.includes(field)) warnings.push(`${at}.${spelled[field] ?? field}: ${why}`)
  }
  return warnings
}

/** Upstream spells it so in paths. */
const spelled: Readonly<Record<string, string>> = { storageos: 'storageOS' }

/** What the volumes of a pod give cause to say (k8s.io/kubernetes/pkg/api/pod/warnings.go). */
export function volumeWarnings(volumes: readonly Volume[], at: string): string[] {
  const warnings: string[] = []
  for (const [i, volume] of volumes.entries()) {
    warnings.push(...goneVolumeWarnings(volume, `${at}[${i}]`))
    const claim = volume.ephemeral?.volumeClaimTemplate
    if (claim) warnings.push(...claimSpecWarnings(claim.spec, `${at}[${i}].ephemeral.volumeClaimTemplate.spec`))
  }
  for (const volume of volumes) warnings.push(...overlapWarnings(volume))
  return warnings
}

interface Sizes {
  readonly resources: {
    readonly requests?: Readonly<Record<string, string>> | undefined
    readonly limits?: Readonly<Record<string, string>> | undefined
  }
}

/** What a claim's spec gives cause to say (pkg/api/persistentvolumeclaim/util.go). */
export const claimSpecWarnings = ({ resources: { requests, limits } }: Sizes, at: string): string[] => [
  ...fractionWarnings(requests, ['storage'], `${at}.resources.requests`),
  ...fractionWarnings(limits, ['storage'], `${at}.resources.limits`),
]

interface Place {
  readonly path: string
  readonly source: string
}

/** Files that get in each other's way: the same path, or one below a path that is a file itself. */
function overlapWarnings({ name, configMap, secret, downwardAPI, projected }: Volume): string[] {
  if (!configMap?.items && !secret?.items && !downwardAPI?.items && !projected) return []
  const within = (what: string, items: readonly { readonly path: string }[]) => {
    const places = items.map(({ path }) => ({ path, source: '' }))
    return overlaps(places).map(text => `volume ${JSON.stringify(name)} (${what}): overlapping paths: ${text}`)
  }
  const warnings: string[] = []
  if (configMap?.items) warnings.push(...within(`ConfigMap ${JSON.stringify(configMap.name)}`, configMap.items))
  if (secret?.items) warnings.push(...within(`Secret ${JSON.stringify(secret.secretName ?? '')}`, secret.items))
  if (downwardAPI?.items) warnings.push(...within('DownwardAPI', downwardAPI.items))
  if (!projected) return warnings
  const { sources = [] } = projected
  const places = sources.flatMap(projectedPlaces)
  for (const source of sources) {
    if (Object.keys(source).length === 0) warnings.push(`volume ${JSON.stringify(name)} (Projected) has no sources provided`)
  }
  for (const text of overlaps(places)) {
    warnings.push(`volume ${JSON.stringify(name)} (Projected): overlapping paths: ${text}`)
  }
  return warnings
}

type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number]

function projectedPlaces({ configMap, secret, downwardAPI, ...others }: Projection): Place[] {
  const { serviceAccountToken: token, clusterTrustBundle: bundle, podCertificate: certificate } = others
  const from = (source: string, items: readonly { readonly path: string }[] = []) => items.map(({ path }) => ({ path, source }))
  if (configMap?.items) return from(`ConfigMap ${JSON.stringify(configMap.name)}`, configMap.items)
  if (secret?.items) return from(`Secret ${JSON.stringify(secret.name)}`, secret.items)
  if (downwardAPI?.items) return from('DownwardAPI', downwardAPI.items)
  if (token) return [{ path: token.path, source: 'ServiceAccountToken' }]
  if (bundle)
    return [{ path: bundle.path, source: `ClusterTrustBundle ${JSON.stringify(bundle.name ?? bundle.signerName ?? '')}` }]
  if (!certificate) return []
  const { certificateChainPath: chain, keyPath: key, credentialBundlePath: both } = certificate
  return [
    ...(chain ? [{ path: chain, source: 'PodCertificate chain' }] : []),
    ...(key ? [{ path: key, source: 'PodCertificate key' }] : []),
    ...(both ? [{ path: both, source: 'PodCertificate credential bundle' }] : []),
  ]
}

/** Files beyond this are not compared with all others any more: there are more than anybody would read about. */
const mostCompared = 200

function overlaps(places: readonly Place[]): string[] {
  const before: Place[] = []
  const found: string[] = []
  for (const { path: given, source } of places) {
    const place = { path: given.replace(/\/+$/, ''), source }
    for (const other of before) if (clashes(place.path, other.path)) found.push(`${shown(place)} with ${shown(other)}`)
    if (before.length < mostCompared) before.push(place)
  }
  return found
}

/** The same path, or one below the other. */
const clashes = (a: string, b: string) => a !== '' && b !== '' && (isAtOrBelow(a, b) || isAtOrBelow(b, a))
const isAtOrBelow = (path: string, folder: string) =>
  path.startsWith(folder) && (path.length === folder.length || path[folder.length] === '/')
const shown = ({ path, source }: Place) => JSON.stringify(path) + (source && ` (${source})`)
