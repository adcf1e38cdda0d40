import type Docker from 'dockerode'
import { expect, test } from 'vitest'
import { type DockerConnection, DockerError } from './connection.ts'
import { startById } from './start-by-id.ts'

test.each([
  [
    'connection error: desc = "transport: Error while dialing dial unix /run/containerd/containerd.sock: connect: connection refused": unavailable',
    'unavailable',
    ['c1'],
  ],
  ['OCI runtime create failed: exec: "nothing": executable file not found in $PATH: unknown', 'start', []],
])('a container that cannot be started counts as a run unless the engine was half down: %s', async (message, kind, expected) => {
  const removed: string[] = []
  const docker = {
    getContainer: (id: string) => ({
      start: () => Promise.reject(new DockerError(500, message, undefined)),
      remove: async () => void removed.push(id),
    }),
  } as unknown as Docker
  const engine = { change: (_, call) => call(docker) } as Pick<DockerConnection, 'change'> as DockerConnection
  await expect(startById(engine, 'c1')).rejects.toMatchObject({ kind, message })
  expect(removed).toEqual(expected)
})
