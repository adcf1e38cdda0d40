export type Texts = Readonly<Record<string, string>>

/** How a volume is to be used: exactly one of `block` and `mount`. */
export interface VolumeCapability {
  readonly block?: object
  readonly mount?: { readonly fsType?: string; readonly mountFlags?: readonly string[]; readonly volumeMountGroup?: string }
  readonly accessMode: { readonly mode: AccessMode }
}

export type AccessMode =
  | 'UNKNOWN'
  | 'SINGLE_NODE_WRITER'
  | 'SINGLE_NODE_READER_ONLY'
  | 'MULTI_NODE_READER_ONLY'
  | 'MULTI_NODE_SINGLE_WRITER'
  | 'MULTI_NODE_MULTI_WRITER'
  | 'SINGLE_NODE_SINGLE_WRITER'
  | 'SINGLE_NODE_MULTI_WRITER'

export interface CapacityRange {
  readonly requiredBytes?: number
  readonly limitBytes?: number
}

export interface Topology {
  readonly segments: Texts
}

export interface NodeInfo {
  readonly nodeId: string
  /** 0: any number. */
  readonly maxVolumesPerNode?: number
  readonly accessibleTopology?: Topology | null
}

/** What a driver made. */
export interface MadeVolume {
  readonly volumeId: string
  /** 0: it does not say. */
  readonly capacityBytes?: number
  readonly volumeContext?: Texts
  readonly accessibleTopology?: readonly Topology[]
}

/** The calls of a driver, with what they are asked and what they answer (csi.proto). */
export interface CsiCalls {
  'Identity/GetPluginInfo': { ask: object; answer: { name: string; vendorVersion?: string } }
  'Identity/GetPluginCapabilities': {
    ask: object
    answer: { capabilities?: readonly { service?: { type: string }; volumeExpansion?: { type: string } }[] }
  }
  'Identity/Probe': { ask: object; answer: { ready?: { value: boolean } | null } }
  'Controller/CreateVolume': {
    ask: {
      name: string
      capacityRange?: CapacityRange
      volumeCapabilities: readonly VolumeCapability[]
      parameters?: Texts
      secrets?: Texts
      accessibilityRequirements?: { requisite?: readonly Topology[]; preferred?: readonly Topology[] }
      mutableParameters?: Texts
    }
    answer: { volume: MadeVolume }
  }
  'Controller/DeleteVolume': { ask: { volumeId: string; secrets?: Texts }; answer: object }
  'Controller/ControllerPublishVolume': {
    ask: {
      volumeId: string
      nodeId: string
      volumeCapability: VolumeCapability
      readonly?: boolean
      secrets?: Texts
      volumeContext?: Texts
    }
    answer: { publishContext?: Texts }
  }
  'Controller/ControllerUnpublishVolume': { ask: { volumeId: string; nodeId: string; secrets?: Texts }; answer: object }
  'Controller/GetCapacity': {
    ask: { volumeCapabilities?: readonly VolumeCapability[]; parameters?: Texts; accessibleTopology?: Topology }
    answer: { availableCapacity?: number; maximumVolumeSize?: { value: number } | null }
  }
  'Controller/ControllerGetCapabilities': { ask: object; answer: Capabilities }
  'Controller/ControllerExpandVolume': {
    ask: { volumeId: string; capacityRange: CapacityRange; secrets?: Texts; volumeCapability?: VolumeCapability }
    answer: { capacityBytes?: number; nodeExpansionRequired?: boolean }
  }
  'Controller/ControllerModifyVolume': {
    ask: { volumeId: string; secrets?: Texts; mutableParameters: Texts }
    answer: object
  }
  'Node/NodeStageVolume': {
    ask: {
      volumeId: string
      publishContext?: Texts
      stagingTargetPath: string
      volumeCapability: VolumeCapability
      secrets?: Texts
      volumeContext?: Texts
    }
    answer: object
  }
  'Node/NodeUnstageVolume': { ask: { volumeId: string; stagingTargetPath: string }; answer: object }
  'Node/NodePublishVolume': {
    ask: {
      volumeId: string
      publishContext?: Texts
      stagingTargetPath?: string
      targetPath: string
      volumeCapability: VolumeCapability
      readonly?: boolean
      secrets?: Texts
      volumeContext?: Texts
    }
    answer: object
  }
  'Node/NodeUnpublishVolume': { ask: { volumeId: string; targetPath: string }; answer: object }
  'Node/NodeGetVolumeStats': {
    ask: { volumeId: string; volumePath: string; stagingTargetPath?: string }
    answer: { usage?: readonly { available?: number; total?: number; used?: number; unit?: string }[] }
  }
  'Node/NodeExpandVolume': {
    ask: {
      volumeId: string
      volumePath: string
      capacityRange: CapacityRange
      stagingTargetPath?: string
      volumeCapability?: VolumeCapability
      secrets?: Texts
    }
    answer: { capacityBytes?: number }
  }
  'Node/NodeGetCapabilities': { ask: object; answer: Capabilities }
  'Node/NodeGetInfo': { ask: object; answer: NodeInfo }
}

interface Capabilities {
  capabilities?: readonly { rpc?: { type: string } }[]
}
