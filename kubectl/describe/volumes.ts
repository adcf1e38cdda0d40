import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Page } from './page.ts'
import { pairs } from './parts.ts'

type Volume = NonNullable<Pod['spec']['volumes']>[number]
type Fields = readonly (readonly [name: string, value: unknown])[]

/** Each sort of volume: its name, what it is, and what to tell of it. */
interface Sort {
  readonly type: string
  readonly fields: Fields
  /** Lines below the fields, one level deeper. */
  readonly items?: readonly string[]
}

/** A pod's volumes; a template's are indented. */
export function volumes(page: Page, list: readonly Volume[] | undefined, indent: string): void {
  if (!list?.length) return page.line(0, `${indent}Volumes:\t<none>`)
  page.line(0, `${indent}Volumes:`)
  for (const volume of list) {
    page.line(1, `${indent ? ' ' : ''}${volume.name}:`)
    source(page, sortOf(volume))
  }
}

/** Where the data of a PersistentVolume are. */
export function persistentSource(page: Page, { spec }: PersistentVolume): void {
  const { csi, local } = spec
  if (csi) {
    const { driver, fsType = '', volumeHandle, readOnly = false } = csi
    source(
      page,
      csiSort(
        [
          ['Driver', driver],
          ['FSType', fsType],
          ['VolumeHandle', volumeHandle],
          ['ReadOnly', readOnly],
        ],
        csi,
      ),
    )
  } else if (local) {
    source(page, {
      type: 'LocalVolume (a persistent volume backed by local storage on a node)',
      fields: [['Path', local.path]],
    })
  } else source(page, sharedSort(spec))
}

function source(page: Page, sort: Sort | undefined): void {
  if (!sort) return page.line(1, '<unknown>')
  page.line(2, `Type:\t${sort.type}`)
  for (const [name, value] of sort.fields) page.line(2, `${name}:\t${value}`)
  for (const item of sort.items ?? []) page.line(3, item)
}

function csiSort(
  fields: Fields,
  { volumeAttributes }: { volumeAttributes?: Readonly<Record<string, string>> | undefined },
): Sort {
  const [first = '<none>', ...rest] = pairs(volumeAttributes)
  const attributes = [['VolumeAttributes', first] as const, ...rest.map(pair => ['', pair] as const)]
  return { type: 'CSI (a Container Storage Interface (CSI) volume source)', fields: [...fields, ...attributes] }
}

/** Sorts that pods and PersistentVolumes have in common. */
function sharedSort({ hostPath, nfs }: Pick<Volume, 'hostPath' | 'nfs'>): Sort | undefined {
  if (hostPath) {
    return {
      type: 'HostPath (bare host directory volume)',
      fields: [
        ['Path', hostPath.path],
        ['HostPathType', hostPath.type ?? '<none>'],
      ],
    }
  }
  if (nfs) {
    const { server, path, readOnly = false } = nfs
    return {
      type: 'NFS (an NFS mount that lasts the lifetime of a pod)',
      fields: [
        ['Server', server],
        ['Path', path],
        ['ReadOnly', readOnly],
      ],
    }
  }
  return undefined
}

function sortOf(volume: Volume): Sort | undefined {
  const { emptyDir, secret, configMap, persistentVolumeClaim: claim, ephemeral, downwardAPI, projected, csi, image } = volume
  if (emptyDir) {
    const { medium = '', sizeLimit } = emptyDir
    return {
      type: "EmptyDir (a temporary directory that shares a pod's lifetime)",
      fields: [
        ['Medium', medium],
        ['SizeLimit', sizeLimit && sizeLimit !== '0' ? sizeLimit : '<unset>'],
      ],
    }
  }
  if (secret) {
    const fields = [
      ['SecretName', secret.secretName ?? ''],
      ['Optional', secret.optional ?? false],
    ] as const
    return { type: 'Secret (a volume populated by a Secret)', fields }
  }
  if (configMap) {
    const fields = [
      ['Name', configMap.name],
      ['Optional', configMap.optional ?? false],
    ] as const
    return { type: 'ConfigMap (a volume populated by a ConfigMap)', fields }
  }
  if (claim) {
    const fields = [
      ['ClaimName', claim.claimName],
      ['ReadOnly', claim.readOnly ?? false],
    ] as const
    return { type: 'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)', fields }
  }
  if (ephemeral) {
    const { storageClassName = '', volumeName = '' } = ephemeral.volumeClaimTemplate?.spec ?? {}
    return {
      type: 'EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)',
      fields: [
        ['StorageClass', storageClassName],
        ['Volume', volumeName],
      ],
    }
  }
  if (downwardAPI) {
    const items = (downwardAPI.items ?? []).map(
      ({ fieldRef, resourceFieldRef, path }) => `${fieldRef?.fieldPath ?? resourceFieldRef?.resource} -> ${path}`,
    )
    return { type: 'DownwardAPI (a volume populated by information about the pod)', fields: [['Items', '']], items }
  }
  if (projected) {
    const type = 'Projected (a volume that contains injected data from multiple sources)'
    return { type, fields: (projected.sources ?? []).flatMap(projectedFields) }
  }
  if (csi) {
    const { driver, fsType = '', readOnly = false } = csi
    return csiSort(
      [
        ['Driver', driver],
        ['FSType', fsType],
        ['ReadOnly', readOnly],
      ],
      csi,
    )
  }
  if (image) {
    const fields = [
      ['Reference', image.reference ?? ''],
      ['PullPolicy', image.pullPolicy ?? ''],
    ] as const
    return { type: 'Image (a container image or OCI artifact)', fields }
  }
  return sharedSort(volume)
}

type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number]

function projectedFields({ secret, downwardAPI, configMap, serviceAccountToken }: Projection): Fields {
  if (secret)
    return [
      ['SecretName', secret.name],
      ['Optional', secret.optional ?? false],
    ]
  if (downwardAPI) return [['DownwardAPI', true]]
  if (configMap)
    return [
      ['ConfigMapName', configMap.name],
      ['Optional', configMap.optional ?? false],
    ]
  if (serviceAccountToken) return [['TokenExpirationSeconds', serviceAccountToken.expirationSeconds ?? 3600]]
  return []
}
