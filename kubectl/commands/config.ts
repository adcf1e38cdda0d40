import { readFile, rename, writeFile } from 'node:fs/promises'
import { formatKubeconfig, type Kubeconfig, parseKubeconfig } from '../../client/kubeconfig.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { UsageError } from '../flags.ts'
import { toYaml } from '../print/output.ts'
import { align } from '../print/table.ts'
import { kubeconfigFile } from '../session.ts'

export const config: Command = {
  name: 'config',
  usage: 'config (view | current-context | get-contexts | use-context NAME | set-context --current --namespace=NAME)',
  summary: 'Shows and changes the kubeconfig.',
  flags: {
    raw: { type: 'bool', help: 'view: certificates and tokens as well' },
    minify: { type: 'bool', help: 'view: only what the current context uses' },
    current: { type: 'bool', help: 'set-context: the current one' },
    output: { type: 'string', short: 'o', help: 'view: json or yaml; get-contexts: name' },
    'no-headers': { type: 'bool', help: 'get-contexts: no line of headers' },
  },
  async run(context) {
    const [part = '', name] = context.words
    const file = kubeconfigFile(flag.text(context, 'kubeconfig'), context.io)
    const kubeconfig = await parseKubeconfig(await readFile(file, 'utf8'))
    switch (part) {
      case 'view':
        return view(context, kubeconfig)
      case 'current-context':
        if (!kubeconfig['current-context']) throw new Error('current-context is not set')
        context.io.out(`${kubeconfig['current-context']}\n`)
        return 0
      case 'get-contexts':
        return getContexts(context, kubeconfig, name)
      case 'use-context':
        if (name === undefined) throw new UsageError('use-context needs a name')
        if (!kubeconfig.contexts?.some(each => each.name === name)) throw new Error(`no context exists with the name: "${name}"`)
        await write(file, { ...kubeconfig, 'current-context': name })
        context.io.out(`Switched to context "${name}".\n`)
        return 0
      case 'set-context':
        return setContext(context, kubeconfig, file, name)
      default:
        throw new UsageError('config needs one of: view, current-context, get-contexts, use-context, set-context')
    }
  },
}

const secret = new Set(['client-key-data', 'token', 'password'])
const certificate = new Set(['certificate-authority-data', 'client-certificate-data'])

async function view(context: CommandContext, kubeconfig: Kubeconfig): Promise<number> {
  const minified = flag.on(context, 'minify') ? onlyCurrent(kubeconfig) : kubeconfig
  const shown = flag.on(context, 'raw') ? minified : withoutSecrets(minified)
  const text = flag.text(context, 'output') === 'json' ? `${JSON.stringify(shown, undefined, 4)}\n` : await toYaml(shown)
  context.io.out(text)
  return 0
}

function onlyCurrent(kubeconfig: Kubeconfig): Kubeconfig {
  const current = kubeconfig['current-context']
  const context = kubeconfig.contexts?.find(({ name }) => name === current)
  if (!context) throw new Error('minify needs a current context')
  return {
    ...kubeconfig,
    contexts: [context],
    clusters: (kubeconfig.clusters ?? []).filter(({ name }) => name === context.context.cluster),
    users: (kubeconfig.users ?? []).filter(({ name }) => name === context.context.user),
  }
}

function withoutSecrets<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutSecrets) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => {
    if (secret.has(key)) return [key, key === 'client-key-data' ? 'DATA+OMITTED' : 'REDACTED']
    return [key, certificate.has(key) ? 'DATA+OMITTED' : withoutSecrets(each)]
  })
  return Object.fromEntries(entries) as T
}

function getContexts(context: CommandContext, kubeconfig: Kubeconfig, only: string | undefined): number {
  const current = kubeconfig['current-context']
  const all = [...(kubeconfig.contexts ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1))
  const shown = all.filter(({ name }) => only === undefined || name === only)
  if (only !== undefined && shown.length === 0) throw new Error(`context ${only} not found`)
  if (flag.text(context, 'output') === 'name') {
    context.io.out(shown.map(({ name }) => `${name}\n`).join(''))
    return 0
  }
  const header = ['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE']
  const rows = shown.map(({ name, context: { cluster, user, namespace = '' } }) => [
    name === current ? '*' : '',
    name,
    cluster,
    user,
    namespace,
  ])
  context.io.out(align(flag.on(context, 'no-headers') ? rows : [header, ...rows]))
  return 0
}

async function setContext(
  context: CommandContext,
  kubeconfig: Kubeconfig,
  file: string,
  named: string | undefined,
): Promise<number> {
  const name = flag.on(context, 'current') ? kubeconfig['current-context'] : named
  const namespace = flag.text(context, 'namespace')
  if (!name) throw new UsageError('set-context needs a name or --current')
  if (!kubeconfig.contexts?.some(each => each.name === name)) throw new Error(`no context exists with the name: "${name}"`)
  const contexts = kubeconfig.contexts.map(each =>
    each.name === name ? { ...each, context: { ...each.context, ...(namespace && { namespace }) } } : each,
  )
  await write(file, { ...kubeconfig, contexts })
  context.io.out(`Context "${name}" modified.\n`)
  return 0
}

/** Whole or not at all: others read it meanwhile. */
async function write(file: string, kubeconfig: Kubeconfig): Promise<void> {
  await writeFile(`${file}.new`, await formatKubeconfig(kubeconfig), { mode: 0o600 })
  await rename(`${file}.new`, file)
}
