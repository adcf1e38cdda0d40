import type { Command } from '../command.ts'
import { helpOf } from '../help-page.ts'

/** The verbs that are no kubectl's, told by `cmd` itself. */
const clusterVerbs: readonly (readonly [name: string, summary: string])[] = [
  ['up', 'Runs a cluster in this process, or in the background with --detach.'],
  ['down', 'Stops it; with --delete-data, removes it.'],
  ['status', 'Tells whether one is running, and where.'],
]

/** Tells about all other verbs; it is handed them, as it is one of the list itself. */
export function help(commands: readonly Command[]): Command {
  return {
    name: 'help',
    usage: 'help [VERB]',
    summary: 'Tells what there is.',
    flags: {},
    async run({ io, words: [name] }) {
      const own = clusterVerbs.find(([verb]) => verb === name)
      const command = commands.find(each => each.name === name || (name !== undefined && each.aliases?.includes(name)))
      if (name === undefined) io.out(helpPage(commands))
      else if (command) io.out(helpOf(command))
      else if (own) io.out(`${own[1]}\nSee 'wherry ${name} --help'.\n`)
      else {
        io.err(`There is no verb "${name}".\n\n${helpPage(commands)}`)
        return 1
      }
      return 0
    },
  }
}

/** All verbs, Wherry's own first. */
function helpPage(commands: readonly Command[]): string {
  const own = [...clusterVerbs, ...commands.filter(({ name }) => name === 'why').map(listed)]
  const others = commands.filter(({ name }) => name !== 'why').map(listed)
  const width = Math.max(...[...own, ...others].map(([name]) => name.length))
  const list = (verbs: typeof own) => verbs.map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}\n`).join('')
  return `A Kubernetes you can read, run and rewind.

Usage:
  wherry VERB [ARGUMENTS] [FLAGS]

The cluster:
${list(own)}
What is in it, as with kubectl:
${list(others)}
'wherry VERB --help' tells more about a verb.
`
}

/** The first line of a summary. */
const listed = ({ name, summary }: Command): readonly [string, string] => [
  name,
  (summary.split('\n')[0] ?? '').replace(/:$/, '.'),
]
