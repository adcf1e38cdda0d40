import { isReason } from '../../api/errors.ts'
import type { KubeObject } from '../../api/transport.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { aroundOn } from '../describe/around-session.ts'
import { describerOf } from '../describe/describers.ts'
import { callOf, chosen, type Found, listAll, selectionFlags } from '../objects.ts'
import { select } from '../selection.ts'

export const describe: Command = {
  name: 'describe',
  usage: 'describe (TYPE [NAME_PREFIX] | TYPE/NAME... | -f FILE) [flags]',
  summary: 'Shows what there is to know about objects, with what has happened to them.',
  examples: ['wherry describe pod web', 'wherry describe nodes', 'wherry describe deploy/web', 'wherry describe pods -l app=web'],
  flags: {
    ...selectionFlags,
    'show-events': { type: 'bool', help: 'Events as well (the default)' },
    'chunk-size': { type: 'int', help: 'How many objects to ask for at a time', hidden: true },
  },
  async run(context) {
    const { io } = context
    const session = await context.session()
    const { found, byPrefix } = await chosenOrPrefixed(context)
    const withEvents = flag.maybe(context, 'show-events') ?? true
    let isFirst = true
    for (const { resource, object } of found) {
      const around = await aroundOn(session, resource, object, { now: io.now(), withEvents })
      const text = await describerOf(resource)(object, around)
      // Objects that were only looked for by their names' beginning stand closer together, as kubectl has it.
      io.out(byPrefix ? `${text}\n` : isFirst ? text : `\n\n${text}`)
      isFirst = false
    }
    if (found.length === 0) {
      io.err(
        flag.on(context, 'all-namespaces') ? 'No resources found\n' : `No resources found in ${session.namespace} namespace.\n`,
      )
    }
    return 0
  },
}

/** The objects by name; where there is none of a name, those whose names begin with it. */
async function chosenOrPrefixed(context: CommandContext): Promise<{ found: readonly Found[]; byPrefix: boolean }> {
  if (flag.list(context, 'filename').length > 0) return { found: await chosen(context), byPrefix: false }
  const session = await context.session()
  const namespace = flag.on(context, 'all-namespaces') ? undefined : session.namespace
  const found: Found[] = []
  let byPrefix = false
  // `TYPE NAME` only, as kubectl has it: `TYPE/NAME` means that very one.
  const mayBePrefix = context.words.length === 2 && !context.words.some(word => word.includes('/'))
  for (const { resource, names } of select(context.words, await session.resources())) {
    if (names.length === 0)
      found.push(...(await chosen(context, [`${resource.resource}${resource.group && `.${resource.group}`}`])))
    for (const name of names) {
      try {
        const object = await session.transport.call(callOf('get', resource, { namespace: session.namespace, name }))
        found.push({ resource, object: object as KubeObject })
      } catch (error) {
        if (!mayBePrefix || !isReason(error, 'NotFound')) throw error
        const { items } = await listAll(session, resource, namespace)
        const likely = items.filter(item => item.metadata.name.startsWith(name))
        if (likely.length === 0) throw error
        byPrefix = true
        found.push(...likely.map(object => ({ resource, object })))
      }
    }
  }
  return { found, byPrefix }
}
