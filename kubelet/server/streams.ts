import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../lib/clock.ts'
import { agreeOnStream, type StreamAnswer, type StreamKind } from '../../streaming/upgrade.ts'
import type { UpgradeRequest } from '../../streaming/websocket.ts'
import { Refused } from './answer.ts'
import { streamOptions } from './commands.ts'
import { type Host, podNamed } from './visit.ts'

/** What an upgrade is about. */
export interface StreamCall {
  readonly kind: StreamKind
  readonly parameters: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

/**
 * Exec, attach and port-forward: opens what is asked for, agrees on how to speak, and carries. Throws before anything has been answered; what
 * is open then has been closed.
 */
export async function serveStream(upgrade: UpgradeRequest, call: StreamCall, host: Host, clock: Clock): Promise<void> {
  const { kind, parameters, query } = call
  const { namespace = '', pod: name = '', uid = '', container = '' } = parameters
  const wanted = kind === 'portforward' ? undefined : streamOptions(query)
  const agreed = agree(upgrade.request, kind, query)
  const pod = podNamed(host, namespace, name)
  const target = { namespace, name, uid, container }
  let answer: StreamAnswer
  if (wanted) {
    const session =
      kind === 'exec'
        ? await host.agent.exec(target, { ...wanted, command: query.getAll('command') })
        : await host.agent.attach(target, wanted)
    answer = { type: 'session', session, wanted }
  } else {
    if (uid !== '' && pod.metadata.uid !== uid) throw new Refused(404, 'pod not found')
    const { connect } = host.agent
    if (!connect) throw new Refused(501, 'this node forwards no ports')
    answer = { type: 'connections', pod: { name, connect: port => connect({ namespace, name, uid }, port) } }
  }
  await agreed.accept(upgrade, answer, clock)
}

/** The ports of a port-forward over channels are called `port` here, and `ports` by the API server. */
function agree(request: IncomingMessage, kind: StreamKind, query: URLSearchParams) {
  const ports = new URLSearchParams(query.getAll('port').map((port): [string, string] => ['ports', port]))
  return agreeOnStream(request, kind, ports)
}
