import { type Command, flag } from '../command.ts'
import { toYaml } from '../print/output.ts'

interface VersionInfo {
  readonly gitVersion: string
}

export const version: Command = {
  name: 'version',
  usage: 'version [--client] [-o json|yaml]',
  summary: 'Tells the versions of this program and of the server.',
  flags: {
    client: { type: 'bool', help: 'Of this program only' },
    output: { type: 'string', short: 'o', help: 'json or yaml' },
  },
  async run(context) {
    const { io } = context
    const output = flag.text(context, 'output') ?? ''
    if (!['', 'json', 'yaml'].includes(output)) throw new Error(`--output must be 'yaml' or 'json'`)
    const clientVersion = { gitVersion: `v${io.version ?? '0.0.0'}`, platform: io.platform ?? '' }
    let serverVersion: VersionInfo | undefined
    let failure: unknown
    if (!flag.on(context, 'client')) {
      try {
        serverVersion = (await (await context.session()).get('/version', undefined, context.signal)) as VersionInfo
      } catch (error) {
        failure = error
      }
    }
    const versions = { clientVersion, ...(serverVersion && { serverVersion }) }
    if (output === 'json') io.out(`${JSON.stringify(versions, undefined, 2)}\n`)
    else if (output === 'yaml') io.out(await toYaml(versions))
    else {
      io.out(`Client Version: ${clientVersion.gitVersion}\n`)
      if (serverVersion) io.out(`Server Version: ${serverVersion.gitVersion}\n`)
    }
    // What is known was told; now why the rest is not.
    if (failure !== undefined) throw failure
    return 0
  },
}
