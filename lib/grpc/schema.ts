import type { Root, Type } from 'protobufjs'

/** The services of a .proto text, with what their messages look like on the wire. */
export interface GrpcSchema {
  /** `csi.v1.Node/NodeGetInfo`. Throws where there is no such method. */
  method(path: string): GrpcMethod
  /** Names of a service's methods. */
  methodsOf(service: string): readonly string[]
}

export interface GrpcMethod {
  /** As HTTP/2 asks for it: `/csi.v1.Node/NodeGetInfo`. */
  readonly path: string
  readonly isStream: boolean
  readonly request: MessageCodec
  readonly answer: MessageCodec
}

/** Fields are in camelCase, enums are their names, 64-bit integers are numbers, bytes are base64; what is absent has proto3's empty value. */
export interface MessageCodec {
  encode(message: object): Buffer
  decode(bytes: Buffer): object
}

/** Reads proto3. Loads its library on the first call. */
export async function grpcSchema(proto: string): Promise<GrpcSchema> {
  const { default: protobuf } = await import('protobufjs')
  const { root } = protobuf.parse(proto)
  root.resolveAll()
  return {
    method(path) {
      const [service = '', name = ''] = path.split('/')
      const method = root.lookupService(service).methods[name]
      if (!method) throw new Error(`no such method: ${path}`)
      return {
        path: `/${path}`,
        isStream: method.responseStream ?? false,
        request: codec(root, method.requestType, service),
        answer: codec(root, method.responseType, service),
      }
    },
    methodsOf: service => Object.keys(root.lookupService(service).methods),
  }
}

const reading = { longs: Number, enums: String, bytes: String, defaults: true } as const

function codec(root: Root, name: string, service: string): MessageCodec {
  const type: Type = root.lookupType(name.includes('.') ? name : `${service.slice(0, service.lastIndexOf('.') + 1)}${name}`)
  return {
    encode: message => Buffer.from(type.encode(type.fromObject(message)).finish()),
    decode: bytes => type.toObject(type.decode(bytes), reading),
  }
}
