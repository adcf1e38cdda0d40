import type { Command, CommandContext } from '../command.ts'
import { UsageError } from '../flags.ts'
import { selectionFlags } from '../objects.ts'
import { writeFlags } from '../result.ts'
import { status } from '../rollout/follow.ts'
import { history } from '../rollout/history.ts'
import { flip } from '../rollout/switches.ts'
import { undo } from '../rollout/undo.ts'

const parts: Readonly<Record<string, (context: CommandContext, words: readonly string[]) => Promise<number>>> = {
  status,
  history,
  undo,
  pause: (context, words) => flip(context, 'pause', words),
  resume: (context, words) => flip(context, 'resume', words),
  restart: (context, words) => flip(context, 'restart', words),
}

export const rollout: Command = {
  name: 'rollout',
  usage: 'rollout (status | history | undo | restart | pause | resume) TYPE/NAME [flags]',
  summary: 'Follows, repeats and takes back the rollouts of a deployment, stateful set or daemon set.',
  examples: [
    'wherry rollout status deploy/web',
    'wherry rollout history deploy/web --revision=2',
    'wherry rollout undo deploy/web --to-revision=1',
    'wherry rollout restart deploy/web',
    'wherry rollout undo statefulset/db',
  ],
  flags: {
    filename: selectionFlags.filename,
    recursive: selectionFlags.recursive,
    selector: selectionFlags.selector,
    ...writeFlags,
    watch: { type: 'bool', short: 'w', help: 'status: until it is through (the default)' },
    timeout: { type: 'string', help: 'status: how long to wait at most: 30s, 5m' },
    revision: { type: 'int', help: 'status, history: this revision' },
    'to-revision': { type: 'int', help: 'undo: back to this revision (else the last but one)' },
  },
  async run(context) {
    const [name = '', ...words] = context.words
    const part = parts[name]
    if (!part) throw new UsageError(`rollout needs one of: ${Object.keys(parts).join(', ')}`)
    if (words.length === 0 && !context.flags.filename) throw new Error('required resource not specified')
    return part(context, words)
  },
}
