import { isReason } from '../../api/errors.ts'
import type { KubeObject } from '../../api/transport.ts'
import { timestamp } from '../../lib/clock.ts'
import { type Command, flag } from '../command.ts'
import { UsageError } from '../flags.ts'
import { callOf } from '../objects.ts'
import { resultPrinter } from '../result.ts'
import type { Session } from '../session.ts'
import { eachTarget, fetchTarget, type Target } from '../targets.ts'

interface Decision {
  readonly type: 'Approved' | 'Denied'
  readonly reason: string
  readonly message: string
}

const decisions: Readonly<Record<string, Decision>> = {
  approve: { type: 'Approved', reason: 'KubectlApprove', message: 'This CSR was approved by kubectl certificate approve.' },
  deny: { type: 'Denied', reason: 'KubectlDeny', message: 'This CSR was denied by kubectl certificate deny.' },
}

export const certificate: Command = {
  name: 'certificate',
  usage: 'certificate (approve | deny) (NAME... | -f FILE) [--force]',
  summary: 'Decides on requests for certificates.',
  examples: ['wherry certificate approve jane', 'wherry certificate deny -f request.yaml'],
  flags: {
    filename: { type: 'list', short: 'f', help: 'A file, folder or - that names the requests', placeholder: 'FILE' },
    recursive: { type: 'bool', short: 'R', help: 'Folders below the folder too' },
    force: { type: 'bool', help: 'Write the decision again if it was made already' },
    output: { type: 'string', short: 'o', help: 'What to print: json, yaml, name, jsonpath=...' },
  },
  async run(context) {
    const [verb = '', ...names] = context.words
    const decision = Object.hasOwn(decisions, verb) ? decisions[verb] : undefined
    if (!decision) throw new UsageError('certificate needs one of: approve, deny')
    if (names.length === 0 && flag.list(context, 'filename').length === 0) {
      throw new Error('one or more CSRs must be specified as <name> or -f <filename>')
    }
    const say = resultPrinter(context)
    const words = names.length > 0 ? ['certificatesigningrequests', ...names] : []
    const { code } = await eachTarget(context, { doing: 'deciding on', words }, async (target, session) => {
      const decided = await decide(session, target, decision, timestamp(context.io.now()), flag.on(context, 'force'))
      await say(target, decision.type.toLowerCase(), decided)
    })
    return code
  },
}

type Request = KubeObject & { readonly status?: { readonly conditions?: readonly { readonly type: string }[] } }

const attempts = 10

async function decide(session: Session, target: Target, decision: Decision, now: string, isForced: boolean): Promise<Request> {
  const other = decision.type === 'Approved' ? 'Denied' : 'Approved'
  for (let attempt = 1; ; attempt++) {
    const request = (await fetchTarget(session, target)) as Request
    const conditions = request.status?.conditions ?? []
    if (conditions.some(({ type }) => type === other)) {
      throw new Error(`certificate signing request "${target.name}" is already ${other}`)
    }
    const isDecided = conditions.some(({ type }) => type === decision.type)
    if (isDecided && !isForced) return request
    const made = { ...decision, status: 'True', lastUpdateTime: now }
    const body = { ...request, status: { ...request.status, conditions: isDecided ? conditions : [...conditions, made] } }
    const place = { name: target.name, subresource: 'approval' }
    try {
      return (await session.transport.call(callOf('update', target.resource, place, { body }))) as Request
    } catch (error) {
      if (!isReason(error, 'Conflict') || attempt >= attempts) throw error
    }
  }
}
