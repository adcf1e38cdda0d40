import type { ImageFile } from './images.ts'

/**
 * A gRPC health server that needs no more than busybox: `/grpc-health <port>`. Whoever sends HTTP/2's opening words and a request on
 * stream 1 hears that all is well (grpc.health.v1, SERVING). The answer is the same bytes for everybody.
 */
export function grpcHealthFiles(): ImageFile[] {
  return [
    { path: 'grpc-health', mode: 0o755, content: '#!/bin/sh\nexec nc -ll -p "$1" -e /grpc-answer\n' },
    // So many bytes are more than the opening words and settings of a client: its request has begun.
    {
      path: 'grpc-answer',
      mode: 0o755,
      content: '#!/bin/sh\ncat /grpc-opening\nhead -c 80 >/dev/null\nsleep 0.1\ncat /grpc-frames\nsleep 1\n',
    },
    { path: 'grpc-opening', content: frame(settings, 0, 0, Buffer.alloc(0)) },
    { path: 'grpc-frames', content: answer() },
  ]
}

const settings = 0x04
const headers = 0x01
const data = 0x00
const isAcknowledgement = 0x01
const endsHeaders = 0x04
const endsStream = 0x01

function answer(): Buffer {
  const serving = Buffer.from([0x08, 0x01])
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, serving.length]), serving])
  return Buffer.concat([
    frame(settings, isAcknowledgement, 0, Buffer.alloc(0)),
    // HPACK (RFC 7541): `:status: 200` is number 8 of its table.
    frame(headers, endsHeaders, 1, Buffer.concat([Buffer.from([0x88]), literal('content-type', 'application/grpc')])),
    frame(data, 0, 1, message),
    frame(headers, endsHeaders | endsStream, 1, literal('grpc-status', '0')),
  ])
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A header that is written out and goes into no table. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)])
}
