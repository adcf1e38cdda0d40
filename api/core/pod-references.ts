/** The parts of a pod that refer to other objects. */
export interface PodLike {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly annotations?: Readonly<Record<string, string>> | undefined
  }
  readonly spec: {
    readonly serviceAccountName?: string | undefined
    readonly imagePullSecrets?: readonly Named[] | undefined
    readonly volumes?: readonly VolumeLike[] | undefined
    readonly containers?: readonly ContainerLike[] | undefined
    readonly initContainers?: readonly ContainerLike[] | undefined
    readonly ephemeralContainers?: readonly ContainerLike[] | undefined
    readonly resourceClaims?: readonly { readonly name: string; readonly resourceClaimName?: string | undefined }[] | undefined
  }
  readonly status?: {
    readonly resourceClaimStatuses?:
      | readonly { readonly name: string; readonly resourceClaimName?: string | undefined }[]
      | undefined
  }
}

interface Named {
  readonly name?: string | undefined
}

interface VolumeLike {
  readonly name: string
  readonly secret?: { readonly secretName?: string | undefined } | undefined
  readonly configMap?: Named | undefined
  readonly persistentVolumeClaim?: { readonly claimName: string } | undefined
  readonly ephemeral?: unknown
  readonly projected?:
    | {
        readonly sources?: readonly { readonly secret?: Named | undefined; readonly configMap?: Named | undefined }[] | undefined
      }
    | undefined
}

interface ContainerLike {
  readonly env?:
    | readonly {
        readonly valueFrom?:
          | { readonly secretKeyRef?: Named | undefined; readonly configMapKeyRef?: Named | undefined }
          | undefined
      }[]
    | undefined
  readonly envFrom?: readonly { readonly secretRef?: Named | undefined; readonly configMapRef?: Named | undefined }[] | undefined
}

const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** Whether a pod refers to a Secret, ConfigMap or claim of its own namespace; `resource` is the plural. */
export function refersTo(pod: PodLike, resource: string, name: string): boolean {
  // What a kubelet made up itself gives it no rights.
  if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) return false
  if (resource === 'serviceaccounts') return (pod.spec.serviceAccountName || 'default') === name
  if (resource === 'resourceclaims') {
    const given = [...(pod.spec.resourceClaims ?? []), ...(pod.status?.resourceClaimStatuses ?? [])]
    return given.some(claim => claim.resourceClaimName === name)
  }
  const { volumes = [], imagePullSecrets = [] } = pod.spec
  if (resource === 'persistentvolumeclaims') {
    return volumes.some(
      volume =>
        volume.persistentVolumeClaim?.claimName === name || (volume.ephemeral && `${pod.metadata.name}-${volume.name}` === name),
    )
  }
  const isSecret = resource === 'secrets'
  if (!isSecret && resource !== 'configmaps') return false
  if (isSecret && imagePullSecrets.some(secret => secret.name === name)) return true
  const inVolume = (volume: VolumeLike) =>
    (isSecret ? volume.secret?.secretName : volume.configMap?.name) === name ||
    volume.projected?.sources?.some(source => (isSecret ? source.secret : source.configMap)?.name === name)
  const inContainer = ({ env = [], envFrom = [] }: ContainerLike) =>
    env.some(({ valueFrom }) => (isSecret ? valueFrom?.secretKeyRef : valueFrom?.configMapKeyRef)?.name === name) ||
    envFrom.some(source => (isSecret ? source.secretRef : source.configMapRef)?.name === name)
  return volumes.some(inVolume) || containersOf(pod.spec).some(inContainer)
}

const containersOf = ({ containers = [], initContainers = [], ephemeralContainers = [] }: PodLike['spec']) => [
  ...containers,
  ...initContainers,
  ...ephemeralContainers,
]

/** What of the API a pod's spec refers to, in words; nothing: it can run without (pkg/api/pod HasAPIObjectReference). */
export function referredTo(spec: object): string | undefined {
  const { serviceAccountName, imagePullSecrets = [], resourceClaims = [], volumes = [], ...rest } = spec as PodLike['spec']
  if (serviceAccountName) return 'serviceaccounts'
  const env = containersOf(rest).flatMap(({ env = [], envFrom = [] }) => [...env.map(({ valueFrom }) => valueFrom), ...envFrom])
  const has = (keys: readonly string[]) => env.some(source => source && keys.some(key => key in source))
  if (imagePullSecrets.length > 0 || has(['secretKeyRef', 'secretRef'])) return 'secrets'
  if (has(['configMapKeyRef', 'configMapRef'])) return 'configmaps'
  if (resourceClaims.length > 0) return 'resourceclaims'
  for (const volume of volumes as readonly object[]) {
    for (const [type, words] of Object.entries(volumeReferences)) if (type in volume) return words
    const { sources = [] } = (volume as VolumeLike).projected ?? {}
    for (const source of sources) {
      for (const [type, words] of Object.entries(projectedReferences)) if (type in source) return words
    }
  }
  return undefined
}

const volumeReferences = {
  configMap: 'configmaps (via configmap volumes)',
  secret: 'secrets (via secret volumes)',
  csi: 'csidrivers (via CSI volumes)',
  glusterfs: 'endpoints (via glusterFS volumes)',
  persistentVolumeClaim: 'persistentvolumeclaims',
  ephemeral: 'persistentvolumeclaims (via ephemeral volumes)',
  azureFile: 'secrets (via azureFile volumes)',
}

const projectedReferences = {
  configMap: 'configmaps (via projected volumes)',
  secret: 'secrets (via projected volumes)',
  serviceAccountToken: 'serviceaccounts (via projected volumes)',
  clusterTrustBundle: 'clustertrustbundles',
  podCertificate: 'podcertificates',
}
