import type { KubeObject } from '../../../api/transport.ts'
import { controllerOf } from '../../../client/watches.ts'
import { deepEqual } from '../../../lib/json.ts'

/** `Pod default/web-1 is ...` */
export const said = ({ kind, metadata: { namespace, name } }: KubeObject, what: string) =>
  `${kind} ${namespace ? `${namespace}/` : ''}${name} ${what}`

/** What differs between figures as they are and as they should be; absent counts as nothing. */
export function differences(object: KubeObject, is: object, should: Readonly<Record<string, unknown>>): string[] {
  const figures = is as Readonly<Record<string, unknown>>
  const wrong = Object.entries(should).filter(([name, value]) => !deepEqual(figures[name] ?? 0, value ?? 0))
  return wrong.map(([name, value]) =>
    said(object, `says ${name} ${JSON.stringify(figures[name])}, but it is ${JSON.stringify(value)}`),
  )
}

/** Those of some objects that one controls. */
export const controlledBy = <T extends KubeObject>(objects: readonly T[], { metadata: { uid } }: KubeObject): T[] =>
  objects.filter(object => controllerOf(object)?.uid === uid)

export const isTrue = (conditions: readonly { type: string; status: string }[] | undefined, type: string) =>
  conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false
