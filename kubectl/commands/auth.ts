import { isReason } from '../../api/errors.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { UsageError } from '../flags.ts'
import { printerFor } from '../print/output.ts'
import { align } from '../print/table.ts'
import type { Session } from '../session.ts'

const verbs =
  'get list watch create update patch delete deletecollection use bind impersonate * approve sign escalate attest'.split(' ')
const pathVerbs = 'get put post head options delete patch *'.split(' ')

export const auth: Command = {
  name: 'auth',
  usage: 'auth (can-i VERB (TYPE | TYPE/NAME | /PATH) | can-i --list | whoami) [flags]',
  summary: 'Tells who you are and what you may do.',
  examples: [
    'wherry auth can-i create pods',
    'wherry auth can-i get pods --subresource=log',
    'wherry auth can-i --list',
    'wherry auth whoami',
  ],
  flags: {
    'all-namespaces': { type: 'bool', short: 'A', help: 'In every namespace' },
    quiet: { type: 'bool', short: 'q', help: 'Say nothing; the exit code tells' },
    subresource: { type: 'string', help: 'Such as log or scale' },
    list: { type: 'bool', help: 'Everything that you may do' },
    'no-headers': { type: 'bool', help: 'With --list: no line of headers' },
    output: { type: 'string', short: 'o', help: 'whoami: json, yaml, jsonpath=...' },
  },
  async run(context) {
    const [part, ...words] = context.words
    if (part === 'whoami') return whoAmI(context)
    if (part !== 'can-i') throw new UsageError('auth needs one of: can-i, whoami')
    if (flag.on(context, 'list')) return listRules(context, words)
    if (flag.on(context, 'no-headers')) throw new Error('--no-headers cannot be set without --list specified')
    const [verb, what] = words
    if (verb === undefined || what === undefined || words.length !== 2) {
      throw new Error(
        "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'wherry auth --help' for help and examples.",
      )
    }
    return canI(context, verb, what)
  },
}

const group = '/apis/authorization.k8s.io/v1'

/** Creates a review and answers its status. */
async function review<Status>(session: Session, path: string, kind: string, spec?: object): Promise<Status> {
  const [, , apiGroup = '', version = '', resource = ''] = path.split('/')
  try {
    const answer = (await session.transport.call({
      verb: 'create',
      group: apiGroup,
      version,
      resource,
      body: { apiVersion: `${apiGroup}/${version}`, kind, ...(spec && { spec }) },
    })) as { status: Status }
    return answer.status
  } catch (error) {
    if (isReason(error, 'NotFound', 'MethodNotAllowed')) throw new Error(`this server does not serve ${kind}`, { cause: error })
    throw error
  }
}

interface Verdict {
  readonly allowed: boolean
  readonly reason?: string
  readonly evaluationError?: string
}

async function canI(context: CommandContext, verb: string, what: string): Promise<number> {
  const { io } = context
  const session = await context.session()
  const warn = (text: string) => io.err(`Warning: ${text}\n\n`)
  const known = what.startsWith('/') ? pathVerbs : verbs
  const spec = what.startsWith('/')
    ? { nonResourceAttributes: { verb, path: what } }
    : { resourceAttributes: await attributes(context, session, verb, what, warn) }
  if (what.startsWith('/') && flag.text(context, 'subresource'))
    throw new Error('--subresource can not be used with NonResourceURL')
  if (!known.includes(verb)) warn(`verb '${verb}' is not a known verb`)
  const verdict = await review<Verdict>(session, `${group}/selfsubjectaccessreviews`, 'SelfSubjectAccessReview', spec)
  const { allowed, reason, evaluationError } = verdict
  const why = [reason, evaluationError]
    .filter(Boolean)
    .map(text => ` - ${text}`)
    .join('')
  if (!flag.on(context, 'quiet')) io.out(allowed ? 'yes\n' : `no${why}\n`)
  return allowed ? 0 : 1
}

async function attributes(context: CommandContext, session: Session, verb: string, what: string, warn: (text: string) => void) {
  const [type = '', name = ''] = what.split(/\/(.*)/)
  const everywhere = flag.on(context, 'all-namespaces')
  const common = {
    verb,
    namespace: everywhere ? '' : session.namespace,
    subresource: flag.text(context, 'subresource') ?? '',
    name,
  }
  if (type === '*') return { ...common, group: '*', resource: '*' }
  try {
    const resource = (await session.resources()).named(type)
    const inGroup = resource.group ? ` in group '${resource.group}'` : ''
    if (!resource.namespaced && !everywhere) warn(`resource '${resource.resource}' is not namespace scoped${inGroup}`)
    return { ...common, group: resource.group, resource: resource.resource }
  } catch {
    const [plain = '', inGroup = ''] = type.toLowerCase().split(/\.(.*)/)
    if (plain !== 'users' && plain !== 'groups') {
      warn(`the server doesn't have a resource type '${plain}'${inGroup ? ` in group '${inGroup}'` : ''}`)
    }
    return { ...common, group: inGroup, resource: plain }
  }
}

interface Rules {
  readonly resourceRules: readonly { verbs: string[]; apiGroups?: string[]; resources?: string[]; resourceNames?: string[] }[]
  readonly nonResourceRules: readonly { verbs: string[]; nonResourceURLs?: string[] }[]
  readonly evaluationError?: string
}

async function listRules(context: CommandContext, words: readonly string[]): Promise<number> {
  if (words.length > 0) throw new Error('list option must be specified with no arguments')
  const session = await context.session()
  const path = `${group}/selfsubjectrulesreviews`
  const rules = await review<Rules>(session, path, 'SelfSubjectRulesReview', { namespace: session.namespace })
  if (rules.evaluationError) context.io.err(`warning: the list may be incomplete: ${rules.evaluationError}\n`)
  const list = (texts: readonly string[] = []) => `[${texts.join(' ')}]`
  const rows = [
    ...rules.resourceRules.flatMap(({ verbs, apiGroups = [''], resources = [], resourceNames }) =>
      resources.flatMap(resource =>
        apiGroups.map(each => [
          each && resource !== '*' ? `${resource}.${each}` : each ? `*.${each}` : resource,
          '[]',
          list(resourceNames),
          list(verbs),
        ]),
      ),
    ),
    ...rules.nonResourceRules.map(({ verbs, nonResourceURLs }) => ['', list(nonResourceURLs), '[]', list(verbs)]),
  ]
  const header = ['Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs']
  context.io.out(align(flag.on(context, 'no-headers') ? rows : [header, ...rows]))
  return 0
}

interface Self {
  readonly userInfo: {
    readonly username: string
    readonly uid?: string
    readonly groups?: readonly string[]
    readonly extra?: Readonly<Record<string, readonly string[]>>
  }
}

async function whoAmI(context: CommandContext): Promise<number> {
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const printer = printerFor(flag.text(context, 'output') ?? '')
  const status = await review<Self>(await context.session(), path, 'SelfSubjectReview')
  if (printer) {
    context.io.out(await printer({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {}, status }))
    return 0
  }
  const { username, uid, groups = [], extra = {} } = status.userInfo
  const list = (texts: readonly string[]) => `[${texts.join(' ')}]`
  context.io.out(
    align([
      ['ATTRIBUTE', 'VALUE'],
      ['Username', username],
      ...(uid ? [['UID', uid]] : []),
      ...(groups.length > 0 ? [['Groups', list(groups)]] : []),
      ...Object.keys(extra)
        .sort()
        .map(key => [`Extra: ${key}`, list(extra[key] ?? [])]),
    ]),
  )
  return 0
}
