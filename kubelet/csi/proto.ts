/**
 * What is used of the Container Storage Interface, version 1.11: names and field numbers are facts of its protocol
 * (github.com/container-storage-interface/spec), alpha parts left out.
 */
export const csiProto = `
  syntax = "proto3";
  package csi.v1;

  service Identity {
    rpc GetPluginInfo (Empty) returns (PluginInfo) {}
    rpc GetPluginCapabilities (Empty) returns (PluginCapabilities) {}
    rpc Probe (Empty) returns (ProbeAnswer) {}
  }
  service Controller {
    rpc CreateVolume (CreateVolumeRequest) returns (CreateVolumeAnswer) {}
    rpc DeleteVolume (DeleteVolumeRequest) returns (Empty) {}
    rpc ControllerPublishVolume (ControllerPublishRequest) returns (ControllerPublishAnswer) {}
    rpc ControllerUnpublishVolume (ControllerUnpublishRequest) returns (Empty) {}
    rpc GetCapacity (GetCapacityRequest) returns (GetCapacityAnswer) {}
    rpc ControllerGetCapabilities (Empty) returns (ControllerCapabilities) {}
    rpc ControllerExpandVolume (ControllerExpandRequest) returns (ControllerExpandAnswer) {}
    rpc ControllerModifyVolume (ControllerModifyRequest) returns (Empty) {}
  }
  service Node {
    rpc NodeStageVolume (NodeStageRequest) returns (Empty) {}
    rpc NodeUnstageVolume (NodeUnstageRequest) returns (Empty) {}
    rpc NodePublishVolume (NodePublishRequest) returns (Empty) {}
    rpc NodeUnpublishVolume (NodeUnpublishRequest) returns (Empty) {}
    rpc NodeGetVolumeStats (NodeStatsRequest) returns (NodeStatsAnswer) {}
    rpc NodeExpandVolume (NodeExpandRequest) returns (NodeExpandAnswer) {}
    rpc NodeGetCapabilities (Empty) returns (NodeCapabilities) {}
    rpc NodeGetInfo (Empty) returns (NodeInfo) {}
  }

  message Empty {}
  message BoolBox { bool value = 1; }
  message Int64Box { int64 value = 1; }

  message PluginInfo { string name = 1; string vendor_version = 2; map<string, string> manifest = 3; }
  message PluginCapabilities { repeated PluginCapability capabilities = 1; }
  message PluginCapability {
    message Service {
      enum Type { UNKNOWN = 0; CONTROLLER_SERVICE = 1; VOLUME_ACCESSIBILITY_CONSTRAINTS = 2; GROUP_CONTROLLER_SERVICE = 3; }
      Type type = 1;
    }
    message VolumeExpansion {
      enum Type { UNKNOWN = 0; ONLINE = 1; OFFLINE = 2; }
      Type type = 1;
    }
    oneof type { Service service = 1; VolumeExpansion volume_expansion = 2; }
  }
  message ProbeAnswer { BoolBox ready = 1; }

  message VolumeCapability {
    message Block {}
    message Mount { string fs_type = 1; repeated string mount_flags = 2; string volume_mount_group = 3; }
    message AccessMode {
      enum Mode {
        UNKNOWN = 0;
        SINGLE_NODE_WRITER = 1;
        SINGLE_NODE_READER_ONLY = 2;
        MULTI_NODE_READER_ONLY = 3;
        MULTI_NODE_SINGLE_WRITER = 4;
        MULTI_NODE_MULTI_WRITER = 5;
        SINGLE_NODE_SINGLE_WRITER = 6;
        SINGLE_NODE_MULTI_WRITER = 7;
      }
      Mode mode = 1;
    }
    oneof access_type { Block block = 1; Mount mount = 2; }
    AccessMode access_mode = 3;
  }
  message CapacityRange { int64 required_bytes = 1; int64 limit_bytes = 2; }
  message Topology { map<string, string> segments = 1; }
  message TopologyRequirement { repeated Topology requisite = 1; repeated Topology preferred = 2; }
  message Volume {
    int64 capacity_bytes = 1;
    string volume_id = 2;
    map<string, string> volume_context = 3;
    repeated Topology accessible_topology = 5;
  }

  message CreateVolumeRequest {
    string name = 1;
    CapacityRange capacity_range = 2;
    repeated VolumeCapability volume_capabilities = 3;
    map<string, string> parameters = 4;
    map<string, string> secrets = 5;
    TopologyRequirement accessibility_requirements = 7;
    map<string, string> mutable_parameters = 8;
  }
  message CreateVolumeAnswer { Volume volume = 1; }
  message DeleteVolumeRequest { string volume_id = 1; map<string, string> secrets = 2; }
  message ControllerPublishRequest {
    string volume_id = 1;
    string node_id = 2;
    VolumeCapability volume_capability = 3;
    bool readonly = 4;
    map<string, string> secrets = 5;
    map<string, string> volume_context = 6;
  }
  message ControllerPublishAnswer { map<string, string> publish_context = 1; }
  message ControllerUnpublishRequest { string volume_id = 1; string node_id = 2; map<string, string> secrets = 3; }
  message GetCapacityRequest {
    repeated VolumeCapability volume_capabilities = 1;
    map<string, string> parameters = 2;
    Topology accessible_topology = 3;
  }
  message GetCapacityAnswer { int64 available_capacity = 1; Int64Box maximum_volume_size = 2; }
  message ControllerCapabilities { repeated ControllerCapability capabilities = 1; }
  message ControllerCapability {
    message RPC {
      enum Type {
        UNKNOWN = 0;
        CREATE_DELETE_VOLUME = 1;
        PUBLISH_UNPUBLISH_VOLUME = 2;
        LIST_VOLUMES = 3;
        GET_CAPACITY = 4;
        CREATE_DELETE_SNAPSHOT = 5;
        LIST_SNAPSHOTS = 6;
        CLONE_VOLUME = 7;
        PUBLISH_READONLY = 8;
        EXPAND_VOLUME = 9;
        LIST_VOLUMES_PUBLISHED_NODES = 10;
        VOLUME_CONDITION = 11;
        GET_VOLUME = 12;
        SINGLE_NODE_MULTI_WRITER = 13;
        MODIFY_VOLUME = 14;
      }
      Type type = 1;
    }
    oneof type { RPC rpc = 1; }
  }
  message ControllerExpandRequest {
    string volume_id = 1;
    CapacityRange capacity_range = 2;
    map<string, string> secrets = 3;
    VolumeCapability volume_capability = 4;
  }
  message ControllerExpandAnswer { int64 capacity_bytes = 1; bool node_expansion_required = 2; }
  message ControllerModifyRequest {
    string volume_id = 1;
    map<string, string> secrets = 2;
    map<string, string> mutable_parameters = 3;
  }

  message NodeStageRequest {
    string volume_id = 1;
    map<string, string> publish_context = 2;
    string staging_target_path = 3;
    VolumeCapability volume_capability = 4;
    map<string, string> secrets = 5;
    map<string, string> volume_context = 6;
  }
  message NodeUnstageRequest { string volume_id = 1; string staging_target_path = 2; }
  message NodePublishRequest {
    string volume_id = 1;
    map<string, string> publish_context = 2;
    string staging_target_path = 3;
    string target_path = 4;
    VolumeCapability volume_capability = 5;
    bool readonly = 6;
    map<string, string> secrets = 7;
    map<string, string> volume_context = 8;
  }
  message NodeUnpublishRequest { string volume_id = 1; string target_path = 2; }
  message NodeStatsRequest { string volume_id = 1; string volume_path = 2; string staging_target_path = 3; }
  message NodeStatsAnswer { repeated VolumeUsage usage = 1; VolumeCondition volume_condition = 2; }
  message VolumeUsage {
    enum Unit { UNKNOWN = 0; BYTES = 1; INODES = 2; }
    int64 available = 1;
    int64 total = 2;
    int64 used = 3;
    Unit unit = 4;
  }
  message VolumeCondition { bool abnormal = 1; string message = 2; }
  message NodeExpandRequest {
    string volume_id = 1;
    string volume_path = 2;
    CapacityRange capacity_range = 3;
    string staging_target_path = 4;
    VolumeCapability volume_capability = 5;
    map<string, string> secrets = 6;
  }
  message NodeExpandAnswer { int64 capacity_bytes = 1; }
  message NodeCapabilities { repeated NodeCapability capabilities = 1; }
  message NodeCapability {
    message RPC {
      enum Type {
        UNKNOWN = 0;
        STAGE_UNSTAGE_VOLUME = 1;
        GET_VOLUME_STATS = 2;
        EXPAND_VOLUME = 3;
        VOLUME_CONDITION = 4;
        SINGLE_NODE_MULTI_WRITER = 5;
        VOLUME_MOUNT_GROUP = 6;
      }
      Type type = 1;
    }
    oneof type { RPC rpc = 1; }
  }
  message NodeInfo { string node_id = 1; int64 max_volumes_per_node = 2; Topology accessible_topology = 3; }
`

/** How a plugin makes itself known to the kubelet (k8s.io/kubelet/pkg/apis/pluginregistration/v1). */
export const registrationProto = `
  syntax = "proto3";
  package pluginregistration;

  service Registration {
    rpc GetInfo (InfoRequest) returns (PluginInfo) {}
    rpc NotifyRegistrationStatus (RegistrationStatus) returns (RegistrationStatusResponse) {}
  }
  message InfoRequest {}
  message PluginInfo { string type = 1; string name = 2; string endpoint = 3; repeated string supported_versions = 4; }
  message RegistrationStatus { bool plugin_registered = 1; string error = 2; }
  message RegistrationStatusResponse {}
`
