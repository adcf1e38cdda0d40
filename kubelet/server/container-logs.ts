import type { ContainerLogOptions, NodeAgent } from '../../api/node-agent.ts'
import { containersOf } from '../pod-types.ts'
import { answerTo, plainText, Refused, send } from './answer.ts'
import { type Host, podNamed, type Visit } from './visit.ts'

/** GET /containerLogs/{namespace}/{pod}/{container} (pkg/kubelet/server/server.go, getContainerLogs). */
export async function containerLogs(visit: Visit, host: Host): Promise<void> {
  const { namespace = '', pod: name = '', container = '' } = visit.parameters
  const options = logOptions(visit.query)
  const pod = podNamed(host, namespace, name, `pod ${JSON.stringify(name)} does not exist`)
  if (!containersOf(pod.spec).some(one => one.container.name === container)) {
    throw new Refused(404, `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}`)
  }
  await carry(visit, host.agent, { namespace, name, uid: '', container }, options)
}

async function carry(
  { response }: Visit,
  agent: NodeAgent,
  target: Parameters<NodeAgent['logs']>[0],
  options: ContainerLogOptions,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    for await (const chunk of agent.logs(target, options, gone.signal)) {
      if (!response.headersSent) response.writeHead(200, { 'Content-Type': plainText }).flushHeaders()
      if (chunk.length > 0 && !response.write(chunk)) await drained(response, gone.signal)
      if (gone.signal.aborted) return
    }
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': plainText })
    response.end()
  } catch (error) {
    if (!gone.signal.aborted) send(response, { ...answerTo(error), code: 400 })
  }
}

function drained(response: Visit['response'], gone: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    response.once('drain', resolve)
    gone.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** PodLogOptions from a query; throws what upstream says of those that make no sense. */
export function logOptions(query: URLSearchParams): ContainerLogOptions {
  const options: ContainerLogOptions = {}
  const tail = query.get('tail') // the forerunner of tailLines
  if (tail) query.set('tailLines', tail === 'all' ? '' : tail)
  for (const name of ['follow', 'previous', 'timestamps'] as const) {
    const text = query.get(name)
    if (text !== null) options[name] = text.toLowerCase() !== 'false' && text !== '0'
  }
  for (const name of ['tailLines', 'limitBytes', 'sinceSeconds'] as const) {
    const text = query.get(name)
    if (!text) continue
    if (!/^[+-]?\d+$/.test(text)) throw new Refused(400, '{"message": "Unable to decode query."}')
    options[name] = Number(text)
  }
  const sinceTime = query.get('sinceTime')
  if (sinceTime) {
    if (Number.isNaN(Date.parse(sinceTime))) throw new Refused(400, '{"message": "Unable to decode query."}')
    options.sinceTime = sinceTime
  }
  const stream = query.get('stream')
  if (stream) options.stream = stream as 'All'
  if (!makesSense(options)) throw new Refused(422, '{"message": "Invalid request."}')
  return options
}

function makesSense({ tailLines, limitBytes, sinceSeconds, sinceTime, stream = 'All' }: ContainerLogOptions): boolean {
  if (tailLines !== undefined && tailLines < 0) return false
  if (limitBytes !== undefined && limitBytes < 1) return false
  if (sinceSeconds !== undefined && (sinceTime !== undefined || sinceSeconds < 1)) return false
  return ['All', 'Stdout', 'Stderr'].includes(stream) && (stream === 'All' || tailLines === undefined)
}
