import type { KubeObject } from '../../api/transport.ts'
import { type CommandContext, flag } from '../command.ts'
import { type Changes, changesOf } from '../key-changes.ts'
import { callOf } from '../objects.ts'
import { selectOne } from '../selection.ts'
import type { Session } from '../session.ts'
import { eachTarget, fetchTarget } from '../targets.ts'
import { type Container, changePods, containersNamed, type EnvVar, requirePodSpec } from './pod-template.ts'

/** `set env deploy/web COLOR=blue SIZE-`, `--from=configmap/web`, `--list`. */
export async function setEnv(context: CommandContext, words: readonly string[]): Promise<number> {
  const isChange = (word: string) => word.indexOf('=') > 0 || (word.endsWith('-') && word !== '-')
  const names = words.filter(word => !isChange(word))
  const pairs = [...words.filter(isChange), ...flag.list(context, 'env')]
  const from = flag.text(context, 'from')
  if (flag.on(context, 'list')) return listEnv(context, names)
  if (pairs.length === 0 && !from) throw new Error('at least one environment variable must be provided')
  const changes = changesOf(pairs, 'environment variable')
  const pattern = flag.text(context, 'containers') ?? '*'
  const mayOverwrite = flag.maybe(context, 'overwrite') ?? true
  const fetched = from ? await sourced(context, from) : []
  return changePods(context, {
    words: names,
    outcome: 'env updated',
    change({ containers, initContainers = [] }) {
      const chosen = containersNamed([...containers, ...initContainers], pattern)
      if (chosen.length === 0) throw new Error(`unable to find container named ${JSON.stringify(pattern)}`)
      for (const container of chosen) changeEnv(container, changes, fetched, mayOverwrite)
    },
  })
}

/** Sets and removes a container's variables; `sourced` ones refer to a key of a ConfigMap or Secret. */
export function changeEnv(
  container: Container,
  { set, remove }: Changes,
  sourced: readonly EnvVar[],
  mayOverwrite: boolean,
): void {
  const env = (container.env ?? []).filter(({ name }) => !remove.includes(name))
  for (const variable of [...[...set].map(([name, value]) => ({ name, value })), ...sourced]) {
    const at = env.findIndex(({ name }) => name === variable.name)
    if (at < 0) env.push(variable)
    else if (mayOverwrite) env[at] = variable
    else throw new Error(`'${variable.name}' already has a value (${env[at]?.value ?? ''}), and --overwrite is false`)
  }
  if (env.length > 0) container.env = env
  else delete container.env
}

/** Variables for the keys of `configmap/NAME` or `secret/NAME`, named as environments like it: `WEB_COLOR`. */
async function sourced(context: CommandContext, from: string): Promise<EnvVar[]> {
  const session = await context.session()
  const { resource, name } = selectOne([from], await session.resources())
  if (resource.group !== '' || !['ConfigMap', 'Secret'].includes(resource.kind)) {
    throw new Error(`unsupported resource specified in --from: ${from}; it is configmap/NAME or secret/NAME`)
  }
  const place = { namespace: session.namespace, name }
  const object = (await session.transport.call(callOf('get', resource, place))) as KubeObject & { data?: Record<string, string> }
  const wanted = flag.list(context, 'keys').flatMap(list => list.split(','))
  const prefix = flag.text(context, 'prefix') ?? ''
  const keys = Object.keys(object.data ?? {}).filter(key => wanted.length === 0 || wanted.includes(key))
  const reference = resource.kind === 'Secret' ? 'secretKeyRef' : 'configMapKeyRef'
  return keys.sort().map(key => ({
    name: `${prefix}${key.toUpperCase().replace(/[^A-Z0-9_]/g, '_')}`,
    valueFrom: { [reference]: { key, name } },
  }))
}

async function listEnv(context: CommandContext, words: readonly string[]): Promise<number> {
  const pattern = flag.text(context, 'containers') ?? '*'
  const { code } = await eachTarget(context, { words }, async (target, session: Session) => {
    const object = target.object ?? (await fetchTarget(session, target))
    const { containers, initContainers = [] } = requirePodSpec(target, object)
    for (const container of containersNamed([...containers, ...initContainers], pattern)) {
      context.io.out(`# ${target.resource.kind} ${target.name}, container ${container.name}\n`)
      for (const variable of container.env ?? []) context.io.out(`${envText(variable)}\n`)
    }
  })
  return code
}

function envText({ name, value = '', valueFrom }: EnvVar): string {
  if (!valueFrom) return `${name}=${value}`
  const [[kind, reference] = ['', {}]] = Object.entries(valueFrom)
  const { key, name: source, fieldPath, resource } = reference as Record<string, string | undefined>
  if (kind === 'configMapKeyRef') return `# ${name} from configmap ${source}, key ${key}`
  if (kind === 'secretKeyRef') return `# ${name} from secret ${source}, key ${key}`
  return `# ${name} from ${fieldPath ? `field path ${fieldPath}` : `resource ${resource}`}`
}
