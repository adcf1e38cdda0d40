import { Node } from '../../api/core/node.ts'
import { ignore, isReason } from '../../api/errors.ts'
import { httpTransport } from '../../client/http-transport.ts'
import { createClient } from '../../client/typed-client.ts'
import type { Clock } from '../../lib/clock.ts'
import type { KeyPair } from '../../lib/x509/certificate.ts'
import { askForCertificate } from './ask.ts'
import { JoinError, messageOf } from './discovery.ts'

export interface BootstrapOptions {
  readonly server: string
  /** PEM. */
  readonly ca: string
  readonly token: string
  readonly nodeName: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

const another = '"wherry token create" on the server makes another one'

/** Gets a node's first client certificate for a bootstrap token. Throws a JoinError when the token is no good or the name is taken. */
export async function firstCertificate({ server, ca, token, nodeName, clock, signal }: BootstrapOptions): Promise<KeyPair> {
  const transport = httpTransport({ server, ca, token, userAgent: 'wherry-agent' })
  const client = createClient(transport, { defaultCause: { actor: 'kubelet' } })
  try {
    // Who may not look (a token of another group) finds out later.
    const there = await client.get(Node, { name: nodeName }).catch(ignore('NotFound', 'Forbidden'))
    if (there?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
      throw new JoinError(
        `a node named "${nodeName}" is Ready in this cluster already; choose another --node-name, or delete that node`,
      )
    return await askForCertificate(client, { nodeName, purpose: 'client' }, { clock, signal })
  } catch (error) {
    if (error instanceof JoinError || signal.aborted) throw error
    if (isReason(error, 'Unauthorized'))
      throw new JoinError(`the API server does not accept the token: it is wrong or has expired; ${another}`)
    throw new JoinError(`no certificate for node "${nodeName}": ${messageOf(error)}`, { cause: error })
  } finally {
    transport.close()
  }
}
