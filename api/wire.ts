import type * as z from 'zod'

/**
 * The numbers that fields have in protobuf, beside the schema of the type they belong to. They are facts of the wire format
 * (`generated.proto` of k8s.io/api, apimachinery and apiextensions-apiserver) and are written as one line per type:
 *
 *     'name image 4:ports resources'            name = 1, image = 2, ports = 4, resources = 5
 *     'name 2:volumeSource(hostPath emptyDir)'  number 2 is a message of its own whose fields JSON has in line
 *     'schema=JSONSchemaProps'                  a message that the schema says nothing about (protobuf-special.ts knows it)
 *
 * What a field is on the wire follows from its schema; this says only where it is.
 */
const wires = new WeakMap<z.core.$ZodType, string>()

/** Notes the numbers of a schema; answers the same schema. */
export function setWire<Schema extends z.core.$ZodType>(schema: Schema, numbers: string): Schema {
  wires.set(schema, numbers)
  return schema
}

/** The line of a type; undefined if it has none. */
export function wireOf(schema: z.core.$ZodType): string | undefined {
  // `describe` and `meta` hand out clones, which know what they were made from.
  for (let at: z.core.$ZodType | undefined = schema; at; at = at._zod.parent) {
    const line = wires.get(at)
    if (line !== undefined) return line
  }
  return undefined
}

/** One word of a line. */
export interface WireField {
  readonly number: number
  readonly name: string
  /** After `=`. */
  readonly special?: string
  /** In parentheses: the fields of a message whose fields JSON has in line. */
  readonly inline?: readonly WireField[]
}

/** Takes a line apart; throws on one that cannot be read, for that is a mistake in our own sources. */
export function parseWire(line: string): readonly WireField[] {
  const tokens = line.match(/[()]|[^\s()]+/g) ?? []
  let at = 0
  const fields = (): WireField[] => {
    const list: WireField[] = []
    let next = 1
    for (let token = tokens[at]; token !== undefined && token !== ')'; token = tokens[++at]) {
      const parts = /^(?:(\d+):)?([^()=:]+)(?:=(\w+(?:\*|\[\]|\{\})?))?$/.exec(token)
      if (!parts) throw new Error(`the protobuf line "${line}" cannot be read at "${token}"`)
      const [, jump, name = '', special] = parts
      const number = jump === undefined ? next : Number(jump)
      next = number + 1
      if (tokens[at + 1] !== '(') {
        list.push({ number, name, ...(special !== undefined && { special }) })
        continue
      }
      at += 2
      list.push({ number, name, inline: fields() })
      if (tokens[at] !== ')') throw new Error(`the protobuf line "${line}" lacks a closing parenthesis`)
    }
    return list
  }
  const all = fields()
  if (at < tokens.length) throw new Error(`the protobuf line "${line}" has a parenthesis too many`)
  return all
}
