import { type Command } from '../command.ts'
import { UsageError } from '../flags.ts'
import { listAll } from '../objects.ts'
import { coloursFor } from '../print/colour.ts'

interface Service {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: { readonly ports?: readonly { readonly name?: string; readonly port: number }[] }
}

export const clusterInfo: Command = {
  name: 'cluster-info',
  usage: 'cluster-info',
  summary: 'Tells where the cluster is.',
  flags: {},
  async run(context) {
    if (context.words.length > 0) throw new UsageError(`cluster-info takes no arguments, not "${context.words[0]}"`)
    const session = await context.session()
    const { green, yellow } = await coloursFor(context.io)
    const services = (await session.resources()).named('services')
    const labelSelector = 'kubernetes.io/cluster-service=true'
    const { items } = await listAll(session, services, 'kube-system', { labelSelector })
    const tell = (name: string, link: string) => context.io.out(`${green(name)} is running at ${yellow(link)}\n`)
    tell('Kubernetes control plane', session.server)
    for (const { metadata, spec } of items as unknown as readonly Service[]) {
      const [port] = spec.ports ?? []
      const scheme = port && (port.name === 'https' || port.port === 443) ? 'https:' : ''
      const name = port ? `${scheme}${metadata.name}${port.name || scheme ? `:${port.name ?? ''}` : ''}` : metadata.name
      const link = `${session.server}/api/v1/namespaces/${metadata.namespace}/services/${name}/proxy`
      tell(metadata.labels?.['kubernetes.io/name'] || metadata.name, link)
    }
    return 0
  },
}
