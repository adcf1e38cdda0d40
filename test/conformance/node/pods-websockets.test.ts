import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { testCertificates } from '../../support/cluster.ts'
import { conformancePods } from '../../support/conformance.ts'

const pods = conformancePods('websockets')

/** What a socket of the API server has carried when the server has closed it. */
async function read(path: string, protocol: string) {
  const { ca, clients } = await testCertificates()
  const { certificate: cert = '', key = '' } = clients.admin ?? {}
  const socket = new WebSocket(`wss://127.0.0.1:${pods().cluster.port}${path}`, [protocol], { ca, cert, key })
  const messages: Buffer[] = []
  socket.on('message', message => messages.push(message as Buffer))
  const code = await new Promise<number>((resolve, reject) => {
    socket.once('close', resolve)
    socket.once('error', reject)
  })
  return { messages, code, protocol: socket.protocol }
}

const speaker = { command: ['sh', '-c', 'echo container is alive; sleep 600'] }

describe.concurrent('Pods', () => {
  test('should support remote command execution over websockets', async () => {
    await pods().pod('exec', { container: speaker })
    await pods().ready('exec')
    const query = new URLSearchParams({ stderr: '1', stdout: '1', container: 'main' })
    for (const word of ['echo', 'remote execution test']) query.append('command', word)
    const path = `/api/v1/namespaces/${pods().namespace}/pods/exec/exec?${query}`
    const { messages, code, protocol } = await read(path, 'channel.k8s.io')
    expect([protocol, code]).toEqual(['channel.k8s.io', 1000])
    const spoken = messages.filter(message => message.length > 1)
    expect(new Set(spoken.map(message => message[0]))).toEqual(new Set([1]))
    expect(Buffer.concat(spoken.map(message => message.subarray(1))).toString()).toBe('remote execution test\n')
  })

  test('should support retrieving logs from the container over websockets', async () => {
    await pods().pod('logs', { container: speaker })
    await pods().ready('logs')
    const path = `/api/v1/namespaces/${pods().namespace}/pods/logs/log?container=main`
    const { messages, code, protocol } = await read(path, 'binary.k8s.io')
    expect([protocol, code]).toEqual(['binary.k8s.io', 1000])
    expect(Buffer.concat(messages.filter(message => message.toString().trim() !== '')).toString()).toBe('container is alive\n')
  })
})
