import { expect, test } from 'vitest'
import { type ContractSuite, finished, textOf } from './suite.contract.ts'

/** Commands in containers, attachments and connections. */
export function commandContract(suite: ContractSuite): void {
  const { runPod, runContainer, outcome, during, shell } = suite

  test('exec keeps the streams apart and answers the exit code', async () => {
    const id = await runContainer(await runPod())
    const run = async (command: string[]) =>
      during(finished(await suite.runtime.exec(id, { command, stdin: false, stdout: true, stderr: true, tty: false })))
    expect(await run(['sh', '-c', 'echo out; echo err >&2; exit 5'])).toEqual({ stdout: 'out\n', stderr: 'err\n', exitCode: 5 })
    expect(await run(['true'])).toEqual({ stdout: '', stderr: '', exitCode: 0 })
    expect([126, 127]).toContain((await run(['/no/such/program'])).exitCode)
  })

  test('exec hands standard input on until it is closed', async () => {
    const id = await runContainer(await runPod())
    const session = await suite.runtime.exec(id, { command: ['cat'], stdin: true, stdout: true, stderr: true, tty: false })
    const end = finished(session)
    await session.write(Buffer.from('hello '))
    await session.write(Buffer.from('there'))
    session.closeStdin()
    expect(await during(end)).toEqual({ stdout: 'hello there', stderr: '', exitCode: 0 })
  })

  test('exec with a terminal', async () => {
    const id = await runContainer(await runPod())
    const session = await suite.runtime.exec(id, { command: ['sh'], stdin: true, stdout: true, stderr: true, tty: true })
    session.resize(101, 33)
    const end = finished(session)
    await session.write(Buffer.from('echo typed; exit 4\r'))
    const { stdout, exitCode } = await during(end)
    expect(stdout).toMatch(/typed\r\n/)
    expect(exitCode).toBe(4)
  })

  test('hanging up an exec ends it', async () => {
    const id = await runContainer(await runPod())
    const session = await suite.runtime.exec(id, {
      command: ['sleep', '1000'],
      stdin: false,
      stdout: true,
      stderr: true,
      tty: false,
    })
    await suite.given.passTime(200)
    session.close()
    expect((await during(session.done)).exitCode).not.toBe(0)
  })

  test('execSync gathers the output, and kills what takes too long', async () => {
    const id = await runContainer(await runPod())
    const run = (script: string, timeoutInMs: number) => during(suite.runtime.execSync(id, ['sh', '-c', script], timeoutInMs))
    expect(await run('echo well; exit 2', 10_000)).toEqual({ exitCode: 2, output: 'well\n', timedOut: false })
    const begin = suite.given.now()
    expect(await run('echo so far; sleep 100', 500)).toMatchObject({ output: 'so far\n', timedOut: true })
    expect(suite.given.now() - begin).toBeLessThan(5000)
  })

  test('attach shows what is printed, until the container ends', async () => {
    const sandbox = await runPod()
    const id = await runContainer(sandbox, shell('sleep 1; echo seen; echo also >&2'))
    const session = await suite.runtime.attach(id, { stdin: false, stdout: true, stderr: true, tty: false })
    expect(await during(finished(session))).toEqual({ stdout: 'seen\n', stderr: 'also\n', exitCode: 0 })
  })

  test('a port on which nobody listens refuses connections', async () => {
    const sandbox = await runPod()
    await runContainer(sandbox)
    await expect(during(suite.runtime.connect(sandbox.id, 4))).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      message: expect.stringContaining('dial tcp4 127.0.0.1:4: connect: connection refused'),
    })
  })

  test('exec passes bytes on as they are', async () => {
    const id = await runContainer(await runPod())
    const session = await suite.runtime.exec(id, { command: ['cat'], stdin: true, stdout: true, stderr: true, tty: false })
    const chunks: Uint8Array[] = []
    const reading = (async () => {
      for await (const chunk of session.stdout) chunks.push(chunk)
    })()
    await session.write(Uint8Array.of(0, 255, 13, 10, 128))
    session.closeStdin()
    await during(Promise.all([reading, session.done]))
    expect([...Buffer.concat(chunks)]).toEqual([0, 255, 13, 10, 128])
  })

  test('a terminal has the size that it is given', async () => {
    const id = await runContainer(await runPod())
    const session = await suite.runtime.exec(id, { command: ['sh'], stdin: true, stdout: true, stderr: true, tty: true })
    session.resize(101, 33)
    const end = finished(session)
    await session.write(Buffer.from('sleep 1; stty size; exit\r'))
    expect((await during(end)).stdout).toMatch(/33 101\r\n/)
  })

  test('a command ends with its container; where none runs, none begins', async () => {
    const id = await runContainer(await runPod())
    const options = { command: ['sleep', '1000'], stdin: false, stdout: true, stderr: true, tty: false }
    const session = await suite.runtime.exec(id, options)
    await suite.given.passTime(200)
    await during(suite.runtime.stopContainer(id, 0))
    expect((await during(session.done)).exitCode).toBe(137)
    await expect(suite.runtime.exec(id, options)).rejects.toMatchObject({ name: 'RuntimeError', kind: 'other' })
    await expect(suite.runtime.execSync(id, ['true'], 1000)).rejects.toMatchObject({ name: 'RuntimeError', kind: 'other' })
  })

  test('two attachments see the same; hanging one up leaves the container and the other', async () => {
    const id = await runContainer(await runPod(), shell('sleep 1; echo seen'))
    const options = { stdin: false, stdout: true, stderr: true, tty: false }
    const [kept, dropped] = [await suite.runtime.attach(id, options), await suite.runtime.attach(id, options)]
    dropped.close()
    expect((await during(finished(kept))).stdout).toBe('seen\n')
    expect(await outcome(id)).toEqual({ exitCode: 0, reason: 'Completed' })
  })

  test('attach feeds standard input once', async () => {
    const id = await runContainer(await runPod(), { command: ['cat'], stdin: true, stdinOnce: true })
    const session = await suite.runtime.attach(id, { stdin: true, stdout: true, stderr: true, tty: false })
    await session.write(Buffer.from('in and out\n'))
    session.closeStdin()
    expect(await during(finished(session))).toMatchObject({ stdout: 'in and out\n' })
    expect(await outcome(id)).toEqual({ exitCode: 0, reason: 'Completed' })
  })

  test('a connection may be half closed, and there may be several', async () => {
    const sandbox = await runPod({ hostNetwork: false })
    await runContainer(sandbox, suite.given.echo.config)
    await suite.given.passTime(500)
    const ask = async (text: string) => {
      const socket = await suite.runtime.connect(sandbox.id, suite.given.echo.port)
      socket.end(text)
      return textOf(socket)
    }
    expect(await during(Promise.all([ask('one'), ask('two')]))).toEqual(['one', 'two'])
  })
}
