import * as z from 'zod'
import { Condition, type NamespacedObjectMeta } from '../meta.ts'
import {
  atomicList,
  choice,
  flag,
  int32,
  intOrString,
  listMap,
  named,
  plain,
  requiredText,
  stringMap,
  text,
  whole,
} from '../schema.ts'

const ServicePort = named(
  'core/v1.ServicePort',
  'A port of a service.',
  () => ({
    name: text('Name of the port; required where there are several.'),
    protocol: choice('TCP', 'UDP', 'SCTP').default('TCP').describe('Protocol of the port.'),
    appProtocol: z.string().optional().describe('What is spoken over it: kubernetes.io/h2c.'),
    port: int32().default(0).describe('Number that clients connect to.'),
    targetPort: intOrString().optional().describe('Number or name of the port on the pods; as port where absent.'),
    nodePort: whole('Number of the port on every node.'),
  }),
  { wire: 'name protocol port targetPort nodePort appProtocol' },
)
export type ServicePort = z.output<typeof ServicePort>

/** What a service offers, and which pods serve it. */
export const ServiceSpec = named(
  'core/v1.ServiceSpec',
  'What a service offers, and which pods serve it.',
  () => ({
    ports: z
      .array(ServicePort)
      .meta({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['port', 'protocol'],
        'x-kubernetes-patch-merge-key': 'port',
        'x-kubernetes-patch-strategy': 'merge',
      })
      .optional()
      .describe('Ports it listens on.'),
    selector: stringMap().optional().meta({ 'x-kubernetes-map-type': 'atomic' }).describe('Labels of the pods that serve it.'),
    clusterIP: text('Its address; None for no address at all.'),
    clusterIPs: atomicList(z.string()).optional().describe('Its addresses, one per IP family.'),
    type: choice('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort').default('ClusterIP').describe('How it is reached.'),
    externalIPs: atomicList(z.string()).optional().describe('More addresses on which nodes take its traffic.'),
    sessionAffinity: choice('ClientIP', 'None').default('None').describe('Whether a client keeps its pod.'),
    loadBalancerIP: text('Address to ask of the load balancer.'),
    loadBalancerSourceRanges: atomicList(z.string()).optional().describe('Who may use the load balancer.'),
    externalName: text('Name that DNS answers with, for ExternalName.'),
    externalTrafficPolicy: plain(choice('Cluster', 'Local').optional()).describe('Which pods take traffic from outside.'),
    healthCheckNodePort: whole('Port on which nodes say whether they have local pods.'),
    publishNotReadyAddresses: flag('Send traffic to pods that are not ready, too.'),
    sessionAffinityConfig: named(
      'core/v1.SessionAffinityConfig',
      'How long a client keeps its pod.',
      () => ({
        clientIP: named(
          'core/v1.ClientIPConfig',
          'How long a client keeps its pod.',
          () => ({
            timeoutSeconds: int32().optional().describe('Seconds.'),
          }),
          { wire: 'timeoutSeconds' },
        ).optional(),
      }),
      { wire: 'clientIP' },
    )
      .optional()
      .describe('How long a client keeps its pod.'),
    ipFamilies: atomicList(choice('IPv4', 'IPv6')).optional().describe('IP families of its addresses.'),
    ipFamilyPolicy: choice('SingleStack', 'PreferDualStack', 'RequireDualStack').optional().describe('One IP family or two.'),
    allocateLoadBalancerNodePorts: z.boolean().optional().describe('Whether a load balancer needs node ports.'),
    loadBalancerClass: z.string().optional().describe('Who makes the load balancer.'),
    internalTrafficPolicy: choice('Cluster', 'Local').optional().describe('Which pods take traffic from inside.'),
    trafficDistribution: z.string().optional().describe('Whether near pods are preferred.'),
  }),
  {
    wire: `
      ports selector clusterIP type externalIPs 7:sessionAffinity loadBalancerIP loadBalancerSourceRanges
      externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig
      17:ipFamilyPolicy clusterIPs ipFamilies allocateLoadBalancerNodePorts loadBalancerClass
      internalTrafficPolicy trafficDistribution`,
  },
)
export type ServiceSpec = z.output<typeof ServiceSpec>

const LoadBalancerIngress = named(
  'core/v1.LoadBalancerIngress',
  'Where a load balancer takes traffic.',
  () => ({
    ip: text('Its address.'),
    hostname: text('Its name.'),
    ipMode: z.string().optional().describe('VIP or Proxy.'),
    ports: atomicList(
      named(
        'core/v1.PortStatus',
        'How a port of a load balancer is.',
        () => ({
          port: int32().default(0),
          protocol: requiredText(),
          error: z.string().optional(),
        }),
        { wire: 'port protocol error' },
      ),
    ).optional(),
  }),
  { wire: 'ip hostname ipMode ports' },
)

/** Where a service can be reached from outside. */
export const ServiceStatus = named(
  'core/v1.ServiceStatus',
  'How a service is.',
  () => ({
    loadBalancer: named(
      'core/v1.LoadBalancerStatus',
      'Where the load balancer takes traffic.',
      () => ({
        ingress: atomicList(LoadBalancerIngress).optional().describe('Its addresses and names.'),
      }),
      { wire: 'ingress' },
    )
      .prefault({})
      .describe('Where the load balancer takes traffic.'),
    conditions: listMap(Condition, 'type').optional().describe("Aspects of the service's state."),
  }),
  { wire: 'loadBalancer conditions' },
)

/** A service as far as its columns and rules look into it. */
export interface ServiceObject {
  readonly metadata: NamespacedObjectMeta
  readonly spec: ServiceSpec
  readonly status: z.output<typeof ServiceStatus>
}
