import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type GrpcClient, grpcClient } from './client.ts'
import { GrpcError } from './errors.ts'
import { grpcSchema } from './schema.ts'
import { serveGrpc } from './server.ts'

const proto = `
  syntax = "proto3";
  package boats.v1;
  service Harbour {
    rpc Moor (MoorRequest) returns (MoorResponse) {}
    rpc Watch (WatchRequest) returns (stream Tide) {}
    rpc Leave (MoorRequest) returns (MoorResponse) {}
  }
  message MoorRequest { string boat = 1; int64 length = 2; map<string, string> flags = 3; }
  message MoorResponse { Berth berth = 1; repeated string warnings = 2; }
  message Berth { int32 number = 1; Side side = 2; bytes key = 3; }
  enum Side { PORT = 0; STARBOARD = 1; }
  message WatchRequest { int32 count = 1; }
  message Tide { int32 height = 1; }
`

let folder: string
let client: GrpcClient
let stop: () => void
let isWatcherGone: Promise<void>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-grpc-'))
  const address = `unix://${join(folder, 'harbour.sock')}`
  const schema = await grpcSchema(proto)
  let tellGone = () => {}
  isWatcherGone = new Promise(resolve => {
    tellGone = resolve
  })
  stop = await serveGrpc({
    address,
    schema,
    services: {
      'boats.v1.Harbour': {
        async Moor({ boat, length, flags }: { boat: string; length: number; flags: Record<string, string> }) {
          if (length > 2 ** 40) throw new GrpcError('OutOfRange', `${boat} is too long`)
          if (boat === '') throw new Error('whose boat is it?')
          return {
            berth: { number: length % 7, side: 'STARBOARD', key: Buffer.from(boat).toString('base64') },
            warnings: Object.keys(flags),
          }
        },
        async *Watch({ count }: { count: number }, signal: AbortSignal) {
          signal.addEventListener('abort', tellGone)
          for (let height = 0; height < count; height++) yield { height }
          if (count > 2) await isWatcherGone
        },
      },
    },
  })
  client = await grpcClient({ address, schema })
})

afterEach(async () => {
  client.close()
  stop()
  await rm(folder, { recursive: true })
})

const timeoutInMs = 5000

test('a question is answered; enums are names, long integers numbers, bytes base64', async () => {
  const answer = await client.call(
    'boats.v1.Harbour/Moor',
    { boat: 'Ebb', length: 5_000_000_000, flags: { red: '1' } },
    { timeoutInMs },
  )
  expect(answer).toEqual({
    berth: { number: 5_000_000_000 % 7, side: 'STARBOARD', key: Buffer.from('Ebb').toString('base64') },
    warnings: ['red'],
  })
})

test('refusals keep their code and words', async () => {
  await expect(client.call('boats.v1.Harbour/Moor', { boat: 'Ark', length: 2 ** 41 }, { timeoutInMs })).rejects.toMatchObject({
    code: 'OutOfRange',
    message: 'rpc error: code = OutOfRange desc = Ark is too long',
  })
  await expect(client.call('boats.v1.Harbour/Moor', {}, { timeoutInMs })).rejects.toMatchObject({
    code: 'Unknown',
    details: 'whose boat is it?',
  })
  await expect(client.call('boats.v1.Harbour/Leave', {}, { timeoutInMs })).rejects.toMatchObject({ code: 'Unimplemented' })
})

test('a stream ends with its source, and its source hears of a caller who leaves', async () => {
  const heights = []
  for await (const { height } of client.stream<{ height: number }>(
    'boats.v1.Harbour/Watch',
    { count: 2 },
    new AbortController().signal,
  ))
    heights.push(height)
  expect(heights).toEqual([0, 1])

  const leaving = new AbortController()
  for await (const { height } of client.stream<{ height: number }>('boats.v1.Harbour/Watch', { count: 3 }, leaving.signal))
    if (height === 2) leaving.abort()
  await isWatcherGone
})

test('nobody there: Unavailable, or DeadlineExceeded where the time is too short to tell', async () => {
  stop()
  const call = client.call('boats.v1.Harbour/Moor', { boat: 'Ebb' }, { timeoutInMs: 1000 })
  await expect(call).rejects.toMatchObject({ code: expect.stringMatching(/^(Unavailable|DeadlineExceeded)$/) })
})
