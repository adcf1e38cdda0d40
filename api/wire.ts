import type * as z from 'zod'

/**
 * The numbers that fields have in protobuf, beside the schema of the type they belong to. They are facts of the wire format
 * (`generated.proto` of k8s.io/api, apimachinery and apiextensions-apiserver) and are written as one line per type:
 *
 *     'name image 4:ports resources'            name = 1, image = 2, ports = 4, resources = 5
 *     'name 2:volumeSource(hostPath emptyDir)'  number 2 is a message of its own whose fields JSON has in line
 *
 * What a field is on the wire follows from its schema; this says only where it is.
 */
const wires = new WeakMap<z.core.$ZodType, string>()

export function setWire(schema: z.core.$ZodType, numbers: string): void {
  wires.set(schema, numbers)
}

/** The line of a type; undefined if it has none. */
export function wireOf(schema: z.core.$ZodType): string | undefined {
  return wires.get(schema)
}
