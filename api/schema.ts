import { z } from 'zod'

/**
 * The few building blocks that every kind's schema is made of. They carry what OpenAPI and patches need to know
 * (`x-kubernetes-*`) beside the shape. Wrong types fail here; what is merely missing becomes the zero value, as in Go, so that
 * validation can name every missing and every wrong value in one go.
 */

/** A list whose items are identified by keys: patches merge them item by item. */
export function listMap<Item extends z.ZodType>(item: Item, ...keys: string[]) {
  return z.array(item).meta({
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': keys,
    'x-kubernetes-patch-merge-key': keys[0],
    'x-kubernetes-patch-strategy': 'merge',
  })
}

/** A list of plain values without order or doubles: patches merge it value by value. */
export function setList<Item extends z.ZodType>(item: Item) {
  return z.array(item).meta({ 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' })
}

/** A list that patches replace whole. */
export function atomicList<Item extends z.ZodType>(item: Item) {
  return z.array(item).meta({ 'x-kubernetes-list-type': 'atomic' })
}

/** Strategic merge patches replace this object's other keys when they change it (`retainKeys`). */
export const retainKeys = { 'x-kubernetes-patch-strategy': 'retainKeys' } as const

export const stringMap = () => z.record(z.string(), z.string())
/** A quantity as text: `500m`, `1Gi`. JSON numbers are taken as well. */
export const quantity = () =>
  z
    .union([z.string(), z.number().transform(String)])
    .pipe(z.string())
    .meta({ 'x-kubernetes-quantity': true })
export const quantityMap = () => z.record(z.string(), quantity())
export const int32 = () => z.int32()
export const int64 = () => z.int()
/** A number, or text such as `25%` or a port's name. */
export const intOrString = () => z.union([z.int32(), z.string()]).meta({ 'x-kubernetes-int-or-string': true })
/** RFC 3339; clients send null for "not set". */
export const timestampText = () =>
  z
    .string()
    .nullable()
    .transform(text => text ?? '')
    .pipe(z.string())
    .meta({ format: 'date-time' })
/** Text that must be given: an absent one is empty, and validation says that it is required. */
export const requiredText = () => z.string().default('')
