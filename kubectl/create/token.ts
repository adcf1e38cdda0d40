import type { CallOptions } from '../../api/transport.ts'
import { type CommandContext, flag } from '../command.ts'
import { parseDuration } from '../duration.ts'
import type { FlagSpecs } from '../flags.ts'
import { callOf } from '../objects.ts'
import { printerFor } from '../print/output.ts'

export const tokenFlags = {
  duration: { type: 'string', help: 'How long a token is good for: 10m', placeholder: '1h' },
  audience: { type: 'list', help: 'For whom a token is meant' },
  'bound-object-kind': { type: 'string', help: 'The token ends with an object of this kind: Pod, Secret, Node' },
  'bound-object-name': { type: 'string', help: 'Its name' },
  'bound-object-uid': { type: 'string', help: 'Its uid' },
} as const satisfies FlagSpecs

/** `create token NAME`: has the server issue a token for a service account, and prints it. */
export async function createToken(context: CommandContext, name: string, options: CallOptions): Promise<void> {
  const session = await context.session()
  const duration = flag.text(context, 'duration')
  const audiences = flag.list(context, 'audience')
  const boundKind = flag.text(context, 'bound-object-kind')
  const boundName = flag.text(context, 'bound-object-name')
  const uid = flag.text(context, 'bound-object-uid')
  if (!boundKind !== !boundName) throw new Error('--bound-object-kind and --bound-object-name must be given together')
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      ...(audiences.length > 0 && { audiences }),
      ...(duration && { expirationSeconds: Math.trunc(parseDuration('duration', duration) / 1000) }),
      ...(boundKind && { boundObjectRef: { apiVersion: 'v1', kind: boundKind, name: boundName, ...(uid && { uid }) } }),
    },
  }
  const accounts = (await session.resources()).ofKind('v1', 'ServiceAccount')
  const place = { namespace: session.namespace, name, subresource: 'token' }
  const answer = (await session.transport.call(callOf('create', accounts, place, { body, options }))) as {
    status: { token: string }
  }
  const printer = printerFor(flag.text(context, 'output') ?? '')
  context.io.out(printer ? await printer(answer) : `${answer.status.token}\n`)
}
