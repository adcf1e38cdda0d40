import type { JsonSchemaProps } from './json-schema-props.ts'
import { valuesOf } from './structural.ts'

type Found =
  | { readonly ok: true; readonly path: string; readonly root: string; readonly schema: JsonSchemaProps | undefined }
  | { readonly ok: false; readonly error: string }

const noField = 'does not refer to a valid field'
const tokens = /\[|\]|\.|'(?:[^'\\]|\\.)*'|[^.[\]']+/g

/**
 * Follows a simple path (`.spec.size`, `['a.b']`) through a schema. Answers the path in the form of field errors, and the schema at
 * its end (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel ValidFieldPath).
 */
export function followFieldPath(path: string, start: JsonSchemaProps, { allowsBrackets = true } = {}): Found {
  const words = path.match(tokens) ?? []
  let schema: JsonSchemaProps | undefined = start
  let made = ''
  let root = ''
  const step = (name: string): string | undefined => {
    if (schema?.properties) {
      schema = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
      if (!schema) return noField
      made += made === '' ? name : `.${name}`
    } else if (schema?.additionalProperties !== undefined) {
      schema = valuesOf(schema)
      made += `[${name}]`
    } else return noField
    root ||= name
    return undefined
  }
  for (let at = 0; at < words.length; at++) {
    const word = words[at]
    let fault: string | undefined
    if (word === '.') {
      const name = words[++at]
      fault = name === undefined ? 'unexpected end of JSON path' : step(name)
    } else if (word === '[') {
      if (!allowsBrackets) return { ok: false, error: 'array notation is not allowed' }
      const quoted = words[++at]
      if (quoted === undefined) return { ok: false, error: 'unexpected end of JSON path' }
      if (!/^'.*'$/s.test(quoted)) return { ok: false, error: `expected single quoted string but got ${quoted}` }
      fault = step(quoted.slice(1, -1).replace(/\\(.)/g, '$1'))
      const close = words[++at]
      fault ??= close === undefined ? 'unexpected end of JSON path' : close === ']' ? undefined : `expected ] but got ${close}`
    } else fault = `expected [ or . but got: ${word}`
    if (fault !== undefined) return { ok: false, error: fault }
  }
  return { ok: true, path: made, root, schema }
}
