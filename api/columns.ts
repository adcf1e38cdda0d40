import { ageOf } from './duration.ts'
import type { Column } from './kind.ts'
import { describeSelector, type LabelSelectorObject } from './selectors.ts'

/** A column that is always shown. */
export function column<T>(
  name: string,
  description: string,
  value: Column<T>['value'],
  type: Column<T>['type'] = 'string',
): Column<T> {
  return { name, type, description, priority: 0, value }
}

/** A column for `-o wide`. */
export const wide = <T>(name: string, description: string, value: Column<T>['value']): Column<T> => ({
  ...column(name, description, value),
  priority: 1,
})

interface Created {
  readonly metadata: { readonly creationTimestamp: string }
}

/** How long ago the object was created. */
export const age = column<Created>('Age', 'How long ago it was created.', ({ metadata }, now) =>
  ageOf(metadata.creationTimestamp, now),
)

/** For kinds that upstream has no printer for. */
export const createdAt: Column<Created> = {
  ...column<Created>('Created At', 'When it was created.', ({ metadata }) => metadata.creationTimestamp),
  type: 'date',
}

interface Containers {
  readonly containers: readonly { readonly name: string; readonly image: string }[]
}

/** The three wide columns of everything that makes pods. */
export function templateColumns<T>(
  spec: (object: T) => { selector?: LabelSelectorObject; template: { spec: Containers } },
): Column<T>[] {
  const containers = (object: T) => spec(object).template.spec.containers
  return [
    wide('Containers', 'Names of the containers.', object =>
      containers(object)
        .map(({ name }) => name)
        .join(','),
    ),
    wide('Images', 'Images of the containers.', object =>
      containers(object)
        .map(({ image }) => image)
        .join(','),
    ),
    wide('Selector', 'Labels of its pods.', object => describeSelector(spec(object).selector)),
  ]
}

/** Labels as tables show them. */
export function describeLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.keys(labels ?? {}).sort()
  return entries.length === 0 ? '<none>' : entries.map(key => `${key}=${labels?.[key]}`).join(',')
}

/** The text, or `<none>`. */
export const orNone = (text: string | undefined): string => text || '<none>'
