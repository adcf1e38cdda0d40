import type { Event } from '../../api/core/event.ts'
import type { KubeObject } from '../../api/transport.ts'
import { changes } from '../changes.ts'
import { type Command, type CommandContext, flag } from '../command.ts'
import { eventAge, eventTimeOf } from '../describe/events.ts'
import { listAll } from '../objects.ts'
import { printerFor } from '../print/output.ts'
import { align } from '../print/table.ts'
import { apiVersionOf } from '../resources.ts'

export const events: Command = {
  name: 'events',
  usage: 'events [--for TYPE/NAME] [--types=Normal,Warning] [-A] [-w]',
  summary: 'Shows what has happened, the newest last.',
  examples: ['wherry events --for pod/web -w', 'wherry events -A --types=Warning'],
  flags: {
    for: { type: 'string', help: 'Only what happened to one object: pod/web' },
    types: { type: 'list', help: 'Only these: Normal, Warning' },
    watch: { type: 'bool', short: 'w', help: 'Go on showing events as they come' },
    'all-namespaces': { type: 'bool', short: 'A', help: 'In every namespace' },
    'no-headers': { type: 'bool', help: 'No line of headers' },
    output: { type: 'string', short: 'o', help: 'json, yaml, name, jsonpath=..., custom-columns=...' },
    'chunk-size': { type: 'int', help: 'How many to ask for at a time', hidden: true },
  },
  async run(context) {
    const { io, signal } = context
    const types = flag.list(context, 'types').flatMap(text => text.split(','))
    if (types.some(type => !/^(normal|warning)$/i.test(type))) throw new Error('valid --types are Normal or Warning')
    const isWanted = ({ type = '' }: Event) => types.length === 0 || types.some(each => each.toLowerCase() === type.toLowerCase())
    const session = await context.session()
    const resource = (await session.resources()).named('events')
    const namespace = flag.on(context, 'all-namespaces') ? undefined : session.namespace
    const fieldSelector = await selectorFor(context)
    const selectors = fieldSelector ? { fieldSelector } : {}
    const print = printerOf(context)

    if (flag.on(context, 'watch')) {
      let wasListed = false
      for await (const change of changes(session, resource, namespace, selectors, signal)) {
        if (change.type === 'DELETED') continue
        const seen = change.type === 'LISTED' ? (wasListed ? [] : change.objects) : [change.object]
        if (change.type === 'LISTED') wasListed = true
        const shown = sorted(seen).filter(isWanted)
        if (shown.length > 0) await print(shown, true)
      }
      return 0
    }
    const found = sorted((await listAll(session, resource, namespace, selectors)).items).filter(isWanted)
    if (found.length > 0) await print(found, false)
    else io.err(namespace === undefined ? 'No events found.\n' : `No events found in ${namespace} namespace.\n`)
    return 0
  },
}

function sorted(objects: readonly KubeObject[]): Event[] {
  return [...(objects as unknown as Event[])].sort((a, b) => eventTimeOf(a) - eventTimeOf(b))
}

async function selectorFor(context: CommandContext): Promise<string | undefined> {
  const text = flag.text(context, 'for')
  if (text === undefined) return undefined
  const [type = '', name, ...more] = text.split('/')
  if (!name || more.length > 0) throw new Error('--for must be in resource/name form')
  const resource = (await (await context.session()).resources()).named(type)
  return [
    `involvedObject.kind=${resource.kind}`,
    `involvedObject.apiVersion=${apiVersionOf(resource)}`,
    `involvedObject.name=${name}`,
  ].join(',')
}

/** Prints events as `-o` asks, or as rows; the header once. */
function printerOf(context: CommandContext): (events: readonly Event[], oneByOne: boolean) => Promise<void> {
  const { io } = context
  const printer = printerFor(flag.text(context, 'output') ?? '')
  const everywhere = flag.on(context, 'all-namespaces')
  let hasHeader = flag.on(context, 'no-headers')
  return async (list, oneByOne) => {
    const typed = list.map(event => ({ ...event, apiVersion: 'v1', kind: 'Event' }))
    if (printer && oneByOne) for (const event of typed) io.out(await printer(event))
    else if (printer) io.out(await printer({ apiVersion: 'v1', kind: 'EventList', metadata: {}, items: typed }))
    else {
      const header = ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']
      const rows = list.map(event => rowOf(event, io.now()))
      const shown = hasHeader ? rows : [header, ...rows]
      const namespaces = [...(hasHeader ? [] : ['NAMESPACE']), ...list.map(({ metadata }) => metadata.namespace)]
      hasHeader = true
      io.out(align(everywhere ? shown.map((row, i) => [namespaces[i] ?? '', ...row]) : shown))
    }
  }
}

function rowOf(event: Event, now: number): string[] {
  const { type = '', reason = '', involvedObject, message = '' } = event
  return [eventAge(event, now), type, reason, `${involvedObject.kind ?? ''}/${involvedObject.name ?? ''}`, message.trim()]
}
