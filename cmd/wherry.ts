import { setMaxListeners } from 'node:events'
import { fileURLToPath } from 'node:url'
import type * as Agent from './agent.ts'
import type * as Down from './down.ts'
import { fault } from './fault.ts'
import type * as Kubectl from './kubectl.ts'
import { runProgram } from './program.ts'
import type * as Status from './status.ts'
import type * as Token from './token.ts'
import type * as Up from './up.ts'

/** Where the bundle of each verb is, seen from here; the build puts it in. */
declare const programs: { readonly [verb in 'up' | 'agent' | 'token' | 'down' | 'status' | 'kubectl']: string }

// One abort signal ends everything, so many listen to it.
setMaxListeners(0)

/** The program: Wherry's own verbs here, everything else is kubectl's. Each is loaded only when it is asked for. */
async function main(): Promise<number> {
  const [verb = 'help', ...args] = process.argv.slice(2)
  switch (verb) {
    case 'up': {
      const { exports, keepCompiled } = load<typeof Up>(programs.up)
      return exports.up(args, keepCompiled)
    }
    case 'server': {
      const { exports, keepCompiled } = load<typeof Up>(programs.up)
      return exports.server(args, keepCompiled)
    }
    case 'agent': {
      const { exports, keepCompiled } = load<typeof Agent>(programs.agent)
      return exports.agent(args, keepCompiled)
    }
    // In the bundle of the cluster they are part of, which has all of their code.
    case 'controller-manager':
      return load<typeof Up>(programs.up).exports.runControllerManager(args)
    case 'scheduler':
      return load<typeof Up>(programs.up).exports.runScheduler(args)
    // A verb of kubectl's that asks the scheduler, whose code only that bundle has.
    case 'schedule':
      return load<typeof Kubectl>(programs.kubectl).exports.kubectl([verb, ...args], (transport, pods) =>
        load<typeof Up>(programs.up).exports.askScheduler(transport, pods),
      )
    case 'token':
      return load<typeof Token>(programs.token).exports.token(args)
    case 'down':
      return load<typeof Down>(programs.down).exports.down(args)
    case 'status':
      return load<typeof Status>(programs.status).exports.status(args)
    default:
      return load<typeof Kubectl>(programs.kubectl).exports.kubectl([verb, ...args])
  }
}

const load = <Exports extends object>(path: string) => runProgram<Exports>(fileURLToPath(new URL(path, import.meta.url)))

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${fault(error, process.argv[2])}\n`)
  process.exitCode = 1
}
