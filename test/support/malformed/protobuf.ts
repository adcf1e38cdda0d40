import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { ConfigMap } from '../../../api/core/config-map.ts'
import { type AnyKind, apiVersionOf } from '../../../api/kind.ts'
import { openEnvelope, readKind } from '../../../api/protobuf.ts'
import type { Random } from '../../../lib/random.ts'
import { collectionOf, requestKinds } from './kinds.ts'
import { bytes, damaged, type Family, maps, noise, pick } from './request.ts'

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
const field = (number: number, content: Buffer) =>
  Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(content.length)]), content])
const text = (number: number, value: string) => field(number, Buffer.from(value))
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00])
const frame = (apiVersion: string, kind: string, raw: Buffer) =>
  Buffer.concat([magic, field(1, Buffer.concat([text(1, apiVersion), text(2, kind)])), field(2, raw)])

export const protobuf: Family = random => {
  // Metadata without a name, with a label, and a data entry.
  const raw = Buffer.concat([
    field(1, field(11, Buffer.concat([text(1, 'a'), text(2, 'b')]))),
    field(2, Buffer.concat([text(1, 'k'), text(2, 'v')])),
  ])
  const valid = frame('v1', 'ConfigMap', raw)
  const flipped = Buffer.from(raw)
  if (flipped.length > 0) flipped[random.below(flipped.length)] = random.below(256)
  const body = pick<() => Buffer>(random, [
    () => valid.subarray(0, random.below(valid.length)),
    () => Buffer.concat([magic, bytes(random, 300)]),
    () => bytes(random, 300),
    () => frame('v1', 'ConfigMap', bytes(random, 200)),
    () => frame('v1', noise(random, 8), raw),
    () => frame(noise(random, 8), 'ConfigMap', raw),
    () => frame('v1', 'ConfigMap', flipped),
    () => frame('v1', 'ConfigMap', Buffer.concat([Buffer.from([0x0a]), Buffer.from(varint(2 ** 28)), raw])),
    () => frame('v1', 'ConfigMap', Buffer.alloc(random.below(50_000), 0x0b)),
    () => frame('v1', 'ConfigMap', nested(random.below(20_000))),
    () => frame('v1', 'ConfigMap', Buffer.alloc(20, 0xff)),
    () => frame('apps/v1', 'Deployment', raw),
  ])()
  return {
    what: 'protobuf body',
    method: 'POST',
    path: `${maps}?dryRun=All`,
    headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
    body,
    mayPass: isReadable(ConfigMap, body),
  }
}

/** Messages in messages; each length grows with what it holds, so this is bounded. */
function nested(depth: number): Buffer {
  let content = Buffer.alloc(0)
  for (let at = 0; at < Math.min(depth, 500); at++) content = field(1, content)
  return content
}

interface Recording {
  readonly apiVersion: string
  readonly kind: string
  readonly protobuf: string
}

/** What Go writes for every kind there is: with every field set, and with zeros in all of them. */
const recordings = brotliDecompressSync(readFileSync(new URL('../../../api/testing-data/protobuf.json.br', import.meta.url)))
  .toString()
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Recording)

const recordingOf = (random: Random, { kind, ...groupVersion }: AnyKind) =>
  pick(
    random,
    recordings.filter(each => each.apiVersion === apiVersionOf(groupVersion) && each.kind === kind),
  )

/** Whether what is left of a message could be a message. */
function isReadable(kind: AnyKind, body: Buffer): boolean {
  try {
    return readKind(kind, openEnvelope(body).raw) !== undefined
  } catch {
    return false
  }
}

/** A message of any kind that something has happened to on the way. What can still be read is only rehearsed. */
export const damagedProtobuf: Family = random => {
  const kind = pick(random, requestKinds)
  const body = damaged(random, Buffer.from(recordingOf(random, kind).protobuf, 'base64'))
  return {
    what: `protobuf ${kind.kind}`,
    method: 'POST',
    path: `${collectionOf(kind)}?dryRun=All`,
    headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
    body,
    mayPass: isReadable(kind, body),
  }
}
