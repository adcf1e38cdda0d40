interface Template {
  readonly metadata?: object
  readonly spec?: object
}

interface Owner {
  readonly kind?: string
  readonly metadata?: { readonly name?: string }
  readonly spec?: {
    readonly replicas?: number
    readonly parallelism?: number
    readonly template?: Template
    readonly jobTemplate?: { readonly spec?: Owner['spec'] }
  }
}

/** A pod as somebody would create it, without a name of its own, and how often. */
export interface WantedPods {
  readonly pod: Readonly<Record<string, unknown>>
  readonly count: number
}

/**
 * The pods that an object stands for: itself, or as many of its template as it wants; `undefined`: it has nothing to do with pods. How
 * many a DaemonSet wants is for the nodes to say: it counts as one.
 */
export function podsOfManifest(manifest: Readonly<Record<string, unknown>>): WantedPods | undefined {
  const { kind, metadata, spec } = manifest as Owner
  const pod = ({ metadata: own, spec: podSpec }: Template) => {
    const { name: _, resourceVersion: __, uid: ___, ...kept } = (own ?? {}) as Record<string, unknown>
    const generateName = `${metadata?.name ?? 'pod'}-`
    return { apiVersion: 'v1', kind: 'Pod', metadata: { ...kept, generateName }, spec: podSpec ?? {} }
  }
  if (kind === 'Pod') return { pod: pod(manifest as Template), count: 1 }
  const { template, replicas, parallelism } = spec?.jobTemplate?.spec ?? spec ?? {}
  return template && { pod: pod(template), count: replicas ?? parallelism ?? 1 }
}
