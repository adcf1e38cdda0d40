import * as z from 'zod'
import { TemplateMeta } from '../meta.ts'
import {
  atomicList,
  choice,
  flag,
  int32,
  int64,
  listMap,
  named,
  pointer,
  quantityMap,
  requiredText,
  stringMap,
  text,
} from '../schema.ts'
import { Affinity, Toleration, TopologySpreadConstraint } from './affinity.ts'
import { Container, EphemeralContainer, ResourceRequirements } from './container.ts'
import { LocalObjectReference } from './references.ts'
import { PodSecurityContext } from './security-context.ts'
import { Volume } from './volume.ts'

const HostAlias = named(
  'core/v1.HostAlias',
  'A line of the hosts file.',
  () => ({
    ip: requiredText('The address.'),
    hostnames: atomicList(z.string()).optional().describe('Its names.'),
  }),
  { wire: 'ip hostnames' },
)

const PodDnsConfig = named(
  'core/v1.PodDNSConfig',
  'Added to what dnsPolicy gives.',
  () => ({
    nameservers: atomicList(z.string()).optional().describe('Addresses of name servers.'),
    searches: atomicList(z.string()).optional().describe('Domains to search.'),
    options: atomicList(
      named(
        'core/v1.PodDNSConfigOption',
        'An option of the resolver.',
        () => ({
          name: text('Name of the option.'),
          value: z.string().optional().describe('Its value.'),
        }),
        { wire: 'name value' },
      ),
    )
      .optional()
      .describe('Options of the resolver.'),
  }),
  { wire: 'nameservers searches options' },
)

const PodResourceClaim = named(
  'core/v1.PodResourceClaim',
  'A resource claim the pod uses.',
  () => ({
    name: requiredText('Name that containers refer to it by.'),
    resourceClaimName: z.string().optional().describe('An existing claim.'),
    resourceClaimTemplateName: z.string().optional().describe('A template to make a claim from.'),
  }),
  { wire: 'name 3:resourceClaimName resourceClaimTemplateName' },
)

const mergedByName = <Item extends z.ZodType>(item: Item) => listMap(item, 'name')

/** What runs in a pod, and how. */
export const PodSpec = named(
  'core/v1.PodSpec',
  'What runs in a pod, and how.',
  () => ({
    volumes: z
      .array(Volume)
      .meta({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        'x-kubernetes-patch-merge-key': 'name',
        'x-kubernetes-patch-strategy': 'merge,retainKeys',
      })
      .optional()
      .describe('Volumes that containers may mount.'),
    initContainers: mergedByName(Container).optional().describe('Run one after the other before the others start.'),
    containers: mergedByName(Container).default([]).describe('Run side by side; one at least.'),
    ephemeralContainers: mergedByName(EphemeralContainer).optional().describe('Added to a running pod, to look around.'),
    restartPolicy: choice('Always', 'OnFailure', 'Never').default('Always').describe('When containers are started again.'),
    terminationGracePeriodSeconds: int64().default(30).describe('Seconds to end gracefully.'),
    activeDeadlineSeconds: int64().optional().describe('Seconds after which the pod is failed.'),
    dnsPolicy: choice('ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None')
      .default('ClusterFirst')
      .describe('Where names are looked up.'),
    nodeSelector: stringMap().optional().meta({ 'x-kubernetes-map-type': 'atomic' }).describe('Labels the node must have.'),
    serviceAccountName: text('Account the pod speaks to the API as.'),
    serviceAccount: text('Old name of serviceAccountName.'),
    automountServiceAccountToken: z.boolean().optional().describe('Whether containers get a token of the account.'),
    nodeName: text('The node it runs on; set by the scheduler.'),
    hostNetwork: flag("Use the node's network."),
    hostPID: flag("Use the node's process IDs."),
    hostIPC: flag("Use the node's IPC namespace."),
    shareProcessNamespace: z.boolean().optional().describe('Let containers see each other’s processes.'),
    securityContext: pointer(PodSecurityContext.prefault({})).describe('Privileges of all containers.'),
    imagePullSecrets: mergedByName(LocalObjectReference).optional().describe('Secrets to pull images with.'),
    hostname: text("The pod's host name; its own name by default."),
    subdomain: text('Domain below which the host name is known.'),
    affinity: Affinity.optional().describe('Where it wants to run.'),
    schedulerName: z.string().default('default-scheduler').describe('Who finds a node for it.'),
    tolerations: atomicList(Toleration).optional().describe('Taints it puts up with.'),
    hostAliases: listMap(HostAlias, 'ip').optional().describe('More lines for the hosts file.'),
    priorityClassName: text('Name of its priority class.'),
    priority: int32().optional().describe('Higher goes first; set from the class.'),
    dnsConfig: PodDnsConfig.optional().describe('Added to what dnsPolicy gives.'),
    readinessGates: atomicList(
      named(
        'core/v1.PodReadinessGate',
        'A condition that must be True for the pod to be ready.',
        () => ({
          conditionType: requiredText('Type of the condition.'),
        }),
        { wire: 'conditionType' },
      ),
    )
      .optional()
      .describe('Conditions that must be True for the pod to be ready.'),
    runtimeClassName: z.string().optional().describe('Class of the runtime that runs it.'),
    enableServiceLinks: z.boolean().default(true).describe('Whether services become environment variables.'),
    preemptionPolicy: choice('PreemptLowerPriority', 'Never').optional().describe('Whether it may push others away.'),
    overhead: quantityMap().optional().describe('What the runtime itself needs; set from the runtime class.'),
    topologySpreadConstraints: z
      .array(TopologySpreadConstraint)
      .meta({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['topologyKey', 'whenUnsatisfiable'],
        'x-kubernetes-patch-merge-key': 'topologyKey',
        'x-kubernetes-patch-strategy': 'merge',
      })
      .optional()
      .describe('How evenly pods like this one are spread.'),
    setHostnameAsFQDN: z.boolean().optional().describe('Make the host name fully qualified.'),
    os: named('core/v1.PodOS', 'The operating system its containers need.', () => ({ name: requiredText('linux or windows.') }), {
      wire: 'name',
    })
      .optional()
      .describe('The operating system its containers need.'),
    hostUsers: z.boolean().optional().describe("Use the node's user namespace."),
    schedulingGates: mergedByName(
      named(
        'core/v1.PodSchedulingGate',
        'Holds the pod back from scheduling.',
        () => ({ name: requiredText('Name of the gate.') }),
        { wire: 'name' },
      ),
    )
      .optional()
      .describe('It is not scheduled before all of them are gone.'),
    resourceClaims: z
      .array(PodResourceClaim)
      .meta({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        'x-kubernetes-patch-merge-key': 'name',
        'x-kubernetes-patch-strategy': 'merge,retainKeys',
      })
      .optional()
      .describe('Resource claims its containers use.'),
    resources: ResourceRequirements.optional().describe('What all containers together need and may use.'),
    hostnameOverride: z.string().optional().describe('Host name inside the pod, whatever else is set.'),
  }),
  {
    wire: `
      volumes containers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector
      serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC securityContext imagePullSecrets
      hostname subdomain affinity schedulerName initContainers automountServiceAccountToken tolerations
      hostAliases priorityClassName priority dnsConfig shareProcessNamespace readinessGates runtimeClassName
      enableServiceLinks preemptionPolicy overhead topologySpreadConstraints ephemeralContainers setHostnameAsFQDN
      os hostUsers schedulingGates resourceClaims resources hostnameOverride`,
  },
)
export type PodSpec = z.output<typeof PodSpec>

/** What pods made by a controller look like. */
export const PodTemplateSpec = named(
  'core/v1.PodTemplateSpec',
  'What the pods made from it look like.',
  () => ({
    metadata: TemplateMeta,
    spec: PodSpec.prefault({}).describe('What runs in the pods.'),
  }),
  { wire: 'metadata spec' },
)
export type PodTemplateSpec = z.output<typeof PodTemplateSpec>
