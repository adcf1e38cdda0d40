import type { Service } from '../../api/core/service.ts'
import { type Command, flag } from '../command.ts'
import { UsageError } from '../flags.ts'
import { podMeant } from '../pods-of.ts'
import { listen } from '../port-forward/listen.ts'
import { portPairs } from '../port-forward/ports.ts'

export const portForward: Command = {
  name: 'port-forward',
  usage: 'port-forward (POD | TYPE/NAME) [LOCAL:]REMOTE... [--address=ADDRESS]',
  summary: 'Leads ports of this machine to those of a pod.',
  examples: [
    'wherry port-forward web 8080:80',
    'wherry port-forward deploy/web :80',
    'wherry port-forward svc/web 8443:https --address=0.0.0.0',
  ],
  flags: {
    address: { type: 'list', help: 'Where to listen', placeholder: 'localhost' },
    'pod-running-timeout': { type: 'string', help: 'How long to wait for a pod', placeholder: '1m' },
  },
  async run(context) {
    const { io, signal } = context
    const [what, ...texts] = context.words
    if (what === undefined || texts.length === 0) {
      throw new UsageError('TYPE/NAME and list of ports are required for port-forward')
    }
    const session = await context.session()
    const { pod, object } = await podMeant(context, session, [what], { timeout: '60s', doing: 'attach to' })
    const service = object.kind === 'Service' ? (object as unknown as Service) : undefined
    const pairs = portPairs(texts, pod, service)
    const { phase } = pod.status
    if (phase !== 'Running') throw new Error(`unable to forward port because pod is not running. Current status=${phase}`)
    const target = { namespace: pod.metadata.namespace, name: pod.metadata.name }
    const addresses = flag.list(context, 'address').flatMap(list => list.split(','))
    const servers = await listen(pairs, addresses.length > 0 ? addresses : ['localhost'], {
      connect: port => session.transport.connect(target, port),
      out: io.out,
      err: io.err,
      sleep: io.sleep,
    })
    await new Promise<void>(resolve => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
    for (const server of servers) server.close()
    return 0
  },
}
