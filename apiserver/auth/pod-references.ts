/** The parts of a pod that refer to other objects. */
export interface PodLike {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly spec: {
    readonly serviceAccountName?: string | undefined
    readonly imagePullSecrets?: readonly Named[] | undefined
    readonly volumes?: readonly VolumeLike[] | undefined
    readonly containers?: readonly ContainerLike[] | undefined
    readonly initContainers?: readonly ContainerLike[] | undefined
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

/** Whether a pod refers to a Secret, ConfigMap or claim of its own namespace; `resource` is the plural. */
export function refersTo(pod: PodLike, resource: string, name: string): boolean {
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
  return volumes.some(inVolume) || [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].some(inContainer)
}
