import { setMaxListeners } from 'node:events'
import { fault } from './fault.ts'

// One abort signal ends everything, so many listen to it.
setMaxListeners(0)

/** The program: Wherry's own verbs here, everything else is kubectl's. Each is loaded only when it is asked for. */
async function main(): Promise<number> {
  const [verb = 'help', ...args] = process.argv.slice(2)
  switch (verb) {
    case 'up':
      return (await import('./up.ts')).up(args)
    case 'down':
      return (await import('./down.ts')).down(args)
    case 'status':
      return (await import('./status.ts')).status(args)
    default:
      return (await import('./kubectl.ts')).kubectl([verb, ...args])
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${fault(error)}\n`)
  process.exitCode = 1
}
