import type { AccessMode, VolumeCapability } from './messages.ts'

const modes: Readonly<Record<string, AccessMode>> = {
  ReadWriteOnce: 'SINGLE_NODE_WRITER',
  ReadOnlyMany: 'MULTI_NODE_READER_ONLY',
  ReadWriteMany: 'MULTI_NODE_MULTI_WRITER',
  ReadWriteOncePod: 'SINGLE_NODE_WRITER',
}

/** For drivers that tell one pod of a node from several of them. */
const finerModes: typeof modes = {
  ...modes,
  ReadWriteOnce: 'SINGLE_NODE_MULTI_WRITER',
  ReadWriteOncePod: 'SINGLE_NODE_SINGLE_WRITER',
}

export interface Usage {
  readonly isBlock: boolean
  readonly accessMode: string | undefined
  readonly fsType?: string | undefined
  readonly mountOptions?: readonly string[] | undefined
  /** For drivers that give a volume to the pod's group themselves. */
  readonly mountGroup?: number | undefined
  /** Whether the service asked has the ability SINGLE_NODE_MULTI_WRITER. */
  readonly isFine: boolean
}

/** How a volume is to be used, in the words of drivers (pkg/volume/csi/csi_client.go). */
export function capabilityOf({
  isBlock,
  accessMode = 'ReadWriteOnce',
  fsType,
  mountOptions,
  mountGroup,
  isFine,
}: Usage): VolumeCapability {
  const mode = { accessMode: { mode: (isFine ? finerModes : modes)[accessMode] ?? ('UNKNOWN' as const) } }
  if (isBlock) return { block: {}, ...mode }
  return {
    mount: {
      fsType: fsType ?? '',
      mountFlags: mountOptions ?? [],
      ...(mountGroup !== undefined && { volumeMountGroup: String(mountGroup) }),
    },
    ...mode,
  }
}
