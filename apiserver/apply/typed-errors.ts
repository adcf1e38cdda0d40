import { goText } from '../go-text.ts'
import { type FieldType, formOf, type ListType, type MapType, type Scalar, settledForm, typeUnder } from './field-type.ts'
import { itemElement } from './list-items.ts'
import { elementText, fieldElement } from './path-element.ts'

/**
 * What keeps a value from being of a type, in upstream's words: `.spec.x: field not declared in schema`
 * (sigs.k8s.io/structured-merge-diff, typed/validate.go). Undefined: nothing.
 */
export function typeErrors(type: FieldType, value: unknown): string | undefined {
  const errors: string[] = []
  visit(errors, type, value, '')
  if (errors.length < 2) return errors[0]
  return ['errors:', ...errors.map(error => `  ${error}`)].join('\n')
}

const at = (path: string, text: string) => (path ? `${path}: ${text}` : text)

function visit(errors: string[], type: FieldType, value: unknown, path: string): void {
  const form = settledForm(type, formOf(type, value))
  if (form === 'map' && type.map) visitMap(errors, type.map, value, path)
  else if (form === 'list' && type.list) visitList(errors, type.list, value, path)
  else {
    const wrong = type.scalar && scalarError(type.scalar, value)
    if (wrong) errors.push(at(path, wrong))
  }
}

function visitMap(errors: string[], type: MapType, value: unknown, path: string): void {
  if (value === null || value === undefined) return
  if (typeof value !== 'object' || Array.isArray(value)) {
    errors.push(at(path, `expected map, got &{${goText(value)}}`))
    return
  }
  for (const [name, child] of Object.entries(value)) {
    const childPath = `${path}${elementText(fieldElement(name))}`
    const childType = typeUnder(type, name)
    if (childType) visit(errors, childType, child, childPath)
    else {
      errors.push(at(childPath, 'field not declared in schema'))
      return // upstream looks no further in this map
    }
  }
}

function visitList(errors: string[], type: ListType, value: unknown, path: string): void {
  if (value === null || value === undefined) return
  if (!Array.isArray(value)) {
    errors.push(at(path, `expected list, got &{${goText(value)}}`))
    return
  }
  const seen = new Set<string>()
  for (const [index, item] of value.entries()) {
    let step = `[${index}]`
    if (!type.isAtomic) {
      try {
        const element = itemElement(type, item)
        step = elementText(element)
        if (seen.has(element)) errors.push(at(path, `duplicate entries for key ${step}`))
        seen.add(element)
      } catch (error) {
        errors.push(at(path, `element ${index}: ${(error as Error).message}`))
        return
      }
    }
    visit(errors, type.item, item, path + step)
  }
}

function scalarError(scalar: Scalar, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  const type = typeof value
  switch (scalar) {
    case 'numeric':
      return type === 'number' ? undefined : `expected numeric (int or float), got ${goType(value)}`
    case 'string':
      return type === 'string' ? undefined : `expected string, got &value.valueUnstructured{Value:${goText(value)}}`
    case 'boolean':
      return type === 'boolean' ? undefined : `expected boolean, got &{${goText(value)}}`
    case 'untyped':
      return type === 'object' ? `expected any scalar, got &{${goText(value)}}` : undefined
  }
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}'
  if (typeof value === 'object') return 'map[string]interface {}'
  return typeof value === 'boolean' ? 'bool' : typeof value
}
