import type { ExecOptions } from '../../api/node-agent.ts'
import { containersOf } from '../pod-types.ts'
import { answerTo, Refused, send } from './answer.ts'
import { type Host, podNamed, type Visit } from './visit.ts'

type StreamOptions = Omit<ExecOptions, 'command'>

/** Which streams a client of exec or attach wants; its parameters have other names than the API server's. */
export function streamOptions(query: URLSearchParams): StreamOptions {
  const flag = (name: string) => query.get(name) === '1'
  const tty = flag('tty')
  const options = { stdin: flag('input'), stdout: flag('output'), stderr: flag('error') && !tty, tty }
  if (options.stdin || options.stdout || options.stderr) return options
  throw new Refused(400, 'you must specify at least 1 of stdin, stdout, stderr')
}

/** POST /run/{namespace}/{pod}[/{uid}]/{container}?cmd=...: runs a command to its end and answers what it printed. */
export async function runCommand({ response, query, parameters }: Visit, host: Host): Promise<void> {
  const { namespace = '', pod: name = '', uid = '', container = '' } = parameters
  podNamed(host, namespace, name)
  const command = (query.get('cmd') ?? '').split(' ')
  const options = { command, stdin: false, stdout: true, stderr: true, tty: false }
  try {
    const session = await host.agent.exec({ namespace, name, uid, container }, options)
    response.once('close', () => session.close())
    const [stdout, stderr, { exitCode, message }] = await Promise.all([
      gathered(session.stdout),
      gathered(session.stderr),
      session.done,
    ])
    if (exitCode !== 0) {
      throw new Refused(500, `command '${command.join(' ')}' exited with ${exitCode}: ${message ?? stderr.toString()}`)
    }
    send(response, { code: 200, body: Buffer.concat([stdout, stderr]), contentType: 'application/json' })
  } catch (error) {
    send(response, { ...answerTo(error), code: 500 })
  }
}

async function gathered(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** POST /checkpoint/{namespace}/{pod}/{container}: no runtime of ours can. */
export async function refuseCheckpoint({ parameters }: Visit, host: Host): Promise<void> {
  const { namespace = '', pod: name = '', container = '' } = parameters
  const pod = podNamed(host, namespace, name)
  if (!containersOf(pod.spec).some(one => one.container.name === container)) {
    throw new Refused(404, `container ${container} does not exist`)
  }
  const why = 'the container runtime of this node cannot checkpoint'
  throw new Refused(500, `checkpointing of ${namespace}/${name}/${container} failed (${why})`)
}
