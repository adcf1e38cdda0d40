import * as z from 'zod'
import {
  atomicList,
  atomicMap,
  choice,
  flag,
  int32,
  listMap,
  named,
  plain,
  quantity,
  quantityMap,
  requiredText,
  text,
  whole,
} from '../schema.ts'
import { Lifecycle, Probe } from './probe.ts'
import { SecurityContext } from './security-context.ts'

const ContainerPort = named(
  'core/v1.ContainerPort',
  'A port the container listens on.',
  () => ({
    name: text('Name to refer to the port by.'),
    hostPort: whole('Port of the node to expose it on.'),
    containerPort: int32().default(0).describe('Number of the port.'),
    protocol: choice('TCP', 'UDP', 'SCTP').default('TCP').describe('Protocol of the port.'),
    hostIP: text('Address of the node to bind to.'),
  }),
  { wire: 'name hostPort containerPort protocol hostIP' },
)
export type ContainerPort = z.output<typeof ContainerPort>

export const ObjectFieldSelector = named(
  'core/v1.ObjectFieldSelector',
  'A field of the pod.',
  () => ({
    apiVersion: z.string().default('v1').describe('Version the path is written in.'),
    fieldPath: requiredText('Path of the field: `metadata.name`.'),
  }),
  { ...atomicMap, wire: 'apiVersion fieldPath' },
)

export const ResourceFieldSelector = named(
  'core/v1.ResourceFieldSelector',
  'A resource request or limit.',
  () => ({
    containerName: text('Container to look at; required for volumes.'),
    resource: requiredText('Which resource: `limits.memory`.'),
    divisor: quantity().default('0').describe('Unit to express it in; 1 by default.'),
  }),
  { ...atomicMap, wire: 'containerName resource divisor' },
)

const keySelector = (of: string) => ({
  name: requiredText(`Name of the ${of}.`),
  key: requiredText(`Key in the ${of}.`),
  optional: z.boolean().optional().describe(`Whether the ${of} or the key may be missing.`),
})
const ConfigMapKeySelector = named('core/v1.ConfigMapKeySelector', 'A key of a ConfigMap.', () => keySelector('ConfigMap'), {
  ...atomicMap,
  wire: 'localObjectReference(name) key optional',
})
const SecretKeySelector = named('core/v1.SecretKeySelector', 'A key of a Secret.', () => keySelector('Secret'), {
  ...atomicMap,
  wire: 'localObjectReference(name) key optional',
})

const FileKeySelector = named(
  'core/v1.FileKeySelector',
  'A key of an environment file in a volume.',
  () => ({
    volumeName: requiredText('Volume that holds the file.'),
    path: requiredText('Path of the file in the volume.'),
    key: requiredText('Variable in the file.'),
    optional: z.boolean().optional().describe('Whether the file or the key may be missing.'),
  }),
  { ...atomicMap, wire: 'volumeName path key optional' },
)

const EnvVarSource = named(
  'core/v1.EnvVarSource',
  'Where the value of a variable comes from.',
  () => ({
    fieldRef: ObjectFieldSelector.optional().describe('A field of the pod.'),
    resourceFieldRef: ResourceFieldSelector.optional().describe("A container's request or limit."),
    configMapKeyRef: ConfigMapKeySelector.optional().describe('A key of a ConfigMap.'),
    secretKeyRef: SecretKeySelector.optional().describe('A key of a Secret.'),
    fileKeyRef: FileKeySelector.optional().describe('A key of an environment file.'),
  }),
  { wire: 'fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef' },
)

const EnvVar = named(
  'core/v1.EnvVar',
  'An environment variable.',
  () => ({
    name: requiredText('Name of the variable.'),
    value: text('Its value; $(NAME) is replaced by earlier variables.'),
    valueFrom: EnvVarSource.optional().describe('Where its value comes from.'),
  }),
  { wire: 'name value valueFrom' },
)
export type EnvVar = z.output<typeof EnvVar>

const envSource = (of: string) => ({
  name: requiredText(`Name of the ${of}.`),
  optional: z.boolean().optional().describe(`Whether the ${of} may be missing.`),
})
const EnvFromSource = named(
  'core/v1.EnvFromSource',
  'A set of environment variables.',
  () => ({
    prefix: text('Put before every name.'),
    configMapRef: named('core/v1.ConfigMapEnvSource', 'All keys of a ConfigMap.', () => envSource('ConfigMap'), {
      wire: 'localObjectReference(name) optional',
    }).optional(),
    secretRef: named('core/v1.SecretEnvSource', 'All keys of a Secret.', () => envSource('Secret'), {
      wire: 'localObjectReference(name) optional',
    }).optional(),
  }),
  { wire: 'prefix configMapRef secretRef' },
)
export type EnvFromSource = z.output<typeof EnvFromSource>

const ResourceClaim = named(
  'core/v1.ResourceClaim',
  'An entry of the resource claims of the pod.',
  () => ({
    name: requiredText("Name of an entry of the pod's resourceClaims."),
    request: text('The one request of the claim that is meant.'),
  }),
  { wire: 'name request' },
)

/** What a container needs and what it may use at most. */
export const ResourceRequirements = named(
  'core/v1.ResourceRequirements',
  'What is needed and what may be used at most.',
  () => ({
    limits: quantityMap().optional().describe('The most that may be used.'),
    requests: quantityMap().optional().describe('What is set aside; taken from limits where absent.'),
    claims: listMap(ResourceClaim, 'name').optional().describe('Resource claims that are used.'),
  }),
  { wire: 'limits requests claims' },
)
export type ResourceRequirements = z.output<typeof ResourceRequirements>

const ContainerResizePolicy = named(
  'core/v1.ContainerResizePolicy',
  'What a change of a resource demands.',
  () => ({
    resourceName: requiredText('Which resource: cpu or memory.'),
    restartPolicy: choice('NotRequired', 'RestartContainer')
      .default('NotRequired')
      .describe('Whether the container must be restarted.'),
  }),
  { wire: 'resourceName restartPolicy' },
)

const ContainerRestartRule = named(
  'core/v1.ContainerRestartRule',
  'When to restart a container.',
  () => ({
    action: choice('Restart')
      .default('' as 'Restart')
      .describe('What to do.'),
    exitCodes: named(
      'core/v1.ContainerRestartRuleOnExitCodes',
      'The exit codes a rule is about.',
      () => ({
        operator: choice('In', 'NotIn')
          .default('' as 'In')
          .describe('How the codes are compared.'),
        values: z.array(int32()).optional().meta({ 'x-kubernetes-list-type': 'set' }).describe('The codes.'),
      }),
      { wire: 'operator values' },
    ).optional(),
  }),
  { wire: 'action exitCodes' },
)

const VolumeMount = named(
  'core/v1.VolumeMount',
  'A volume inside the container.',
  () => ({
    name: requiredText("Name of one of the pod's volumes."),
    readOnly: flag('Whether the container may only read.'),
    recursiveReadOnly: choice('Disabled', 'IfPossible', 'Enabled').optional().describe('Whether submounts are read-only too.'),
    mountPath: requiredText('Where it appears in the container.'),
    subPath: text('The part of the volume to mount.'),
    mountPropagation: choice('None', 'HostToContainer', 'Bidirectional')
      .optional()
      .describe('Which way later mounts show through.'),
    subPathExpr: text('As subPath, with $(VARIABLES).'),
  }),
  { wire: 'name readOnly mountPath subPath mountPropagation subPathExpr recursiveReadOnly' },
)
export type VolumeMount = z.output<typeof VolumeMount>

const VolumeDevice = named(
  'core/v1.VolumeDevice',
  'A raw block device inside the container.',
  () => ({
    name: requiredText('Name of a volume that is a claim.'),
    devicePath: requiredText('Where the device appears in the container.'),
  }),
  { wire: 'name devicePath' },
)

const fields = {
  name: requiredText('Unique among the containers of the pod.'),
  image: requiredText('Image to run.'),
  command: atomicList(z.string()).optional().describe("Program to run instead of the image's entrypoint."),
  args: atomicList(z.string()).optional().describe("Arguments instead of the image's."),
  workingDir: text("Folder to run in instead of the image's."),
  ports: z
    .array(ContainerPort)
    .meta({
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
      'x-kubernetes-patch-merge-key': 'containerPort',
      'x-kubernetes-patch-strategy': 'merge',
    })
    .optional()
    .describe('Ports the container listens on; for information, mostly.'),
  envFrom: atomicList(EnvFromSource).optional().describe('Sets of environment variables.'),
  env: listMap(EnvVar, 'name').optional().describe('Environment variables; they win over envFrom.'),
  resources: ResourceRequirements.prefault({}).describe('What it needs and may use at most.'),
  resizePolicy: atomicList(ContainerResizePolicy).optional().describe('What changes of resources demand.'),
  restartPolicy: choice('Always', 'OnFailure', 'Never')
    .optional()
    .describe('For init containers: Always makes it a sidecar that runs beside the others.'),
  restartPolicyRules: atomicList(ContainerRestartRule).optional().describe('Rules that come before restartPolicy.'),
  volumeMounts: listMap(VolumeMount, 'mountPath').optional().describe('Volumes to mount.'),
  volumeDevices: listMap(VolumeDevice, 'devicePath').optional().describe('Block devices to map.'),
  livenessProbe: Probe.optional().describe('Restarts the container when it fails.'),
  readinessProbe: Probe.optional().describe('Takes the pod out of its services while it fails.'),
  startupProbe: Probe.optional().describe('Holds back the other probes until it has succeeded.'),
  lifecycle: Lifecycle.optional().describe('What to do after the start and before the stop.'),
  terminationMessagePath: z.string().default('/dev/termination-log').describe('File whose content becomes the last message.'),
  terminationMessagePolicy: choice('File', 'FallbackToLogsOnError')
    .default('File')
    .describe('What else may become that message.'),
  imagePullPolicy: plain(choice('Always', 'IfNotPresent', 'Never').optional()).describe('When to pull the image.'),
  securityContext: SecurityContext.optional().describe('Privileges of the container.'),
  stdin: flag('Keep standard input open.'),
  stdinOnce: flag('Close standard input after the first client has gone.'),
  tty: flag('Give it a terminal.'),
}

/** One container of a pod. */
export const Container = named('core/v1.Container', 'One container of a pod.', () => fields, {
  wire: `
      name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle
      terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom terminationMessagePolicy
      volumeDevices startupProbe resizePolicy restartPolicy restartPolicyRules`,
})
export type Container = z.output<typeof Container>

/** A container added to a running pod, to look around. */
export const EphemeralContainer = named(
  'core/v1.EphemeralContainer',
  'A container added to a running pod, to look around.',
  () => ({
    ...fields,
    targetContainerName: text('Container whose process namespace to join.'),
  }),
  {
    wire: `
      ephemeralContainerCommon(name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle
      terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom terminationMessagePolicy
      volumeDevices startupProbe resizePolicy restartPolicy restartPolicyRules) targetContainerName`,
  },
)
export type EphemeralContainer = z.output<typeof EphemeralContainer>
