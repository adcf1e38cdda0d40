import type { CallOptions } from '../../api/transport.ts'
import { withLastApplied } from '../apply/last-applied.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { serviceFor, type Wishes } from '../expose/service-for.ts'
import { callOf } from '../objects.ts'
import { dryRunOf, resultPrinter, writeFlags } from '../result.ts'
import { eachTarget, fetchTarget } from '../targets.ts'

export const expose: Command = {
  name: 'expose',
  usage: 'expose (TYPE NAME | TYPE/NAME | -f FILE) [--port=PORT] [--target-port=PORT] [--type=TYPE] [flags]',
  summary: 'Makes a service that leads to the pods of a deployment, a replica set, a service or to a pod.',
  examples: ['wherry expose deployment web --port=80 --target-port=8080', 'wherry expose pod web --type=NodePort'],
  flags: {
    filename: { type: 'list', short: 'f', help: 'A file, folder or - that names the object', placeholder: 'FILE' },
    recursive: { type: 'bool', short: 'R', help: 'Folders below the folder too' },
    ...writeFlags,
    port: { type: 'string', help: "The service's port; the pods' if it is not said" },
    'target-port': { type: 'string', help: 'The port of the pods, by number or name' },
    protocol: { type: 'string', help: 'TCP, UDP or SCTP', placeholder: 'TCP' },
    type: { type: 'string', help: 'ClusterIP, NodePort, LoadBalancer or ExternalName', placeholder: 'ClusterIP' },
    name: { type: 'string', help: "The service's name, if not the object's" },
    selector: { type: 'string', help: "The pods' labels, if not the object's: a=b,c=d" },
    labels: { type: 'string', short: 'l', help: "The service's labels, if not the object's: a=b,c=d" },
    'cluster-ip': { type: 'string', help: 'Its address; None for none' },
    'external-ip': { type: 'string', help: 'Another address that leads to it' },
    'load-balancer-ip': { type: 'string', help: 'The address to ask a load balancer for' },
    'session-affinity': { type: 'string', help: 'None or ClientIP' },
    'save-config': { type: 'bool', help: 'Note what it was made from, for a later apply' },
    'field-manager': { type: 'string', help: 'In whose name fields are set' },
  },
  async run(context) {
    const dryRun = dryRunOf(context)
    const say = resultPrinter(context)
    const options: CallOptions = {
      fieldManager: flag.text(context, 'field-manager') ?? 'kubectl-expose',
      ...(dryRun === 'server' && { dryRun: true }),
    }
    const wishes = wishesOf(context)
    const { code } = await eachTarget(context, { doing: 'exposing', namesOnly: true }, async (target, session) => {
      const { namespace } = target
      const made = serviceFor(await fetchTarget(session, target), target.resource.group, wishes)
      const resource = (await session.resources()).ofKind('v1', 'Service')
      const body = flag.on(context, 'save-config') ? withLastApplied(made) : made
      const isRehearsal = dryRun === 'client'
      const call = callOf('create', resource, { namespace }, { body, options })
      await say({ resource, name: made.metadata.name }, 'exposed', isRehearsal ? made : await session.transport.call(call))
    })
    return code
  },
}

function wishesOf(context: CommandContext): Wishes {
  return {
    name: flag.text(context, 'name'),
    selector: flag.text(context, 'selector'),
    labels: flag.text(context, 'labels'),
    port: flag.text(context, 'port'),
    targetPort: flag.text(context, 'target-port'),
    protocol: flag.text(context, 'protocol'),
    type: flag.text(context, 'type'),
    clusterIP: flag.text(context, 'cluster-ip'),
    externalIP: flag.text(context, 'external-ip'),
    loadBalancerIP: flag.text(context, 'load-balancer-ip'),
    sessionAffinity: flag.text(context, 'session-affinity'),
  }
}
