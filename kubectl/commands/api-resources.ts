import { type Command, flag } from '../command.ts'
import { UsageError } from '../flags.ts'
import { align } from '../print/table.ts'
import { apiVersionOf, qualifiedName, type Resource } from '../resources.ts'

export const apiResources: Command = {
  name: 'api-resources',
  usage: 'api-resources [-o wide|name] [--namespaced] [--api-group=GROUP] [--verbs=VERB,...]',
  summary: 'Lists the types that the server knows.',
  flags: {
    output: { type: 'string', short: 'o', help: 'wide or name' },
    namespaced: { type: 'bool', help: 'Only those that are in namespaces; =false: only those that are not' },
    'api-group': { type: 'string', help: 'Only those of a group; empty for the core group' },
    verbs: { type: 'list', help: 'Only those that support all of these verbs' },
    categories: { type: 'list', help: 'Only those in all of these categories' },
    'sort-by': { type: 'string', help: 'name or kind' },
    'no-headers': { type: 'bool', help: 'No line of headers' },
    cached: { type: 'bool', help: 'Of no meaning here', hidden: true },
  },
  async run(context) {
    const output = flag.text(context, 'output') ?? ''
    if (context.words.length > 0) throw new UsageError(`unexpected arguments: [${context.words.join(' ')}]`)
    if (!['', 'wide', 'name'].includes(output)) throw new Error(`--output ${output} is not available`)
    const sortBy = flag.text(context, 'sort-by') ?? ''
    if (!['', 'name', 'kind'].includes(sortBy)) throw new Error('--sort-by accepts only name or kind')
    const [group, namespaced] = [flag.text(context, 'api-group'), flag.maybe(context, 'namespaced')]
    const [verbs, categories] = [words(flag.list(context, 'verbs')), words(flag.list(context, 'categories'))]
    const session = await context.session()
    const shown = (await session.resources()).preferred
      .filter(each => each.verbs.length > 0)
      .filter(each => group === undefined || each.group === group)
      .filter(each => namespaced === undefined || each.namespaced === namespaced)
      .filter(each => verbs.every(verb => each.verbs.includes(verb)))
      .filter(each => categories.every(category => each.categories.includes(category)))
    const key = (each: Resource) => (sortBy === 'name' ? each.resource : sortBy === 'kind' ? each.kind : each.group)
    shown.sort((a, b) => compare(key(a), key(b)) || compare(a.resource, b.resource))
    if (output === 'name') context.io.out(shown.map(each => `${qualifiedName(each)}\n`).join(''))
    else {
      const header = [
        'NAME',
        'SHORTNAMES',
        'APIVERSION',
        'NAMESPACED',
        'KIND',
        ...(output === 'wide' ? ['VERBS', 'CATEGORIES'] : []),
      ]
      const rows = shown.map(each => rowOf(each, output === 'wide'))
      context.io.out(align(flag.on(context, 'no-headers') ? rows : [header, ...rows]))
    }
    return 0
  },
}

const words = (texts: readonly string[]) => texts.flatMap(text => text.split(','))
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function rowOf(each: Resource, isWide: boolean): string[] {
  const row = [each.resource, each.shortNames.join(','), apiVersionOf(each), String(each.namespaced), each.kind]
  return isWide ? [...row, each.verbs.join(','), each.categories.join(',')] : row
}

export const apiVersions: Command = {
  name: 'api-versions',
  usage: 'api-versions',
  summary: 'Lists the groups and versions of the API that the server serves.',
  flags: {},
  async run(context) {
    const session = await context.session()
    const versions = new Set((await session.resources()).all.map(apiVersionOf))
    context.io.out(
      [...versions]
        .sort()
        .map(version => `${version}\n`)
        .join(''),
    )
    return 0
  },
}
