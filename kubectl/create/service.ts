import { type CommandContext, flag } from '../command.ts'
import type { FlagSpecs } from '../flags.ts'
import type { Generator } from './generator.ts'

type Type = 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'

const tcp = { type: 'list', help: 'A port, and the port of the pods: 80:8080', placeholder: 'PORT[:TARGET]' } as const

/** `create service clusterip`: it leads to the pods with the label `app` and its own name. */
function serviceGenerator(type: Type, more: string, flags: FlagSpecs): Generator {
  return {
    name: `service ${type.toLowerCase()}`,
    aliases: [`svc ${type.toLowerCase()}`],
    usage: `service ${type.toLowerCase()} NAME ${more}`,
    flags: { tcp, ...flags },
    make(context, name) {
      const clusterIP = type === 'ClusterIP' ? flag.text(context, 'clusterip') : undefined
      const externalName = type === 'ExternalName' ? flag.text(context, 'external-name') : undefined
      const ports = portsOf(context, type === 'NodePort' ? flag.number(context, 'node-port') : undefined)
      if (type === 'ExternalName' && !externalName) throw new Error('required flag(s) "external-name" not set')
      if (clusterIP !== 'None' && ports.length === 0 && type !== 'ExternalName') {
        throw new Error('at least one tcp port specifier must be provided')
      }
      const labels = { app: name }
      const spec = {
        ...(clusterIP && { clusterIP }),
        ...(externalName && { externalName }),
        ...(ports.length > 0 && { ports }),
        selector: labels,
        type,
      }
      return { apiVersion: 'v1', kind: 'Service', metadata: { labels, name }, spec }
    },
  }
}

function portsOf(context: CommandContext, nodePort: number | undefined) {
  const texts = flag.list(context, 'tcp').flatMap(list => list.split(','))
  return texts.map(text => {
    const [port = '', target] = text.split(':')
    return {
      name: text.replaceAll(':', '-'),
      port: portNumber(port),
      protocol: 'TCP',
      targetPort: target === undefined ? portNumber(port) : /^-?\d+$/.test(target) ? portNumber(target) : target,
      ...(nodePort !== undefined && { nodePort }),
    }
  })
}

function portNumber(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text)) throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (port > 65535) throw new Error('must be between 1 and 65535, inclusive')
  return port
}

export const services: readonly Generator[] = [
  serviceGenerator('ClusterIP', '[--tcp=PORT[:TARGET]] [--clusterip=ADDRESS|None]', {
    clusterip: { type: 'string', help: 'Its address; None for none (a headless service)' },
  }),
  serviceGenerator('NodePort', '--tcp=PORT[:TARGET] [--node-port=PORT]', {
    'node-port': { type: 'int', help: 'The port on every node' },
  }),
  serviceGenerator('LoadBalancer', '--tcp=PORT[:TARGET]', {}),
  serviceGenerator('ExternalName', '--external-name=HOST [--tcp=PORT[:TARGET]]', {
    'external-name': { type: 'string', help: 'The name that it stands for' },
  }),
]
