import type { CrossVersionObjectReference } from '../../api/autoscaling/metric-spec.ts'
import type { Scale } from '../../api/autoscaling/scale.ts'
import { isReason } from '../../api/errors.ts'
import type { Note } from '../../api/journal.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import { groupOf } from '../../client/watches.ts'
import type { Clock } from '../../lib/clock.ts'

/** What an autoscaler scales: the scale of an object, whatever its kind. */
export interface ScaleTarget {
  readonly kind: AnyKind
  readonly scale: Scale
}

type Named = Pick<CrossVersionObjectReference, 'apiVersion' | 'kind' | 'name'>

/**
 * Finds a target by its group and kind; which version is named does not matter. Throws an Error in upstream's words when there is
 * no such kind, and the server's when there is no such object or it has no scale.
 */
export async function findTarget(
  client: Pick<Client, 'getSubresource'>,
  kindsOf: (group: string, kind: string) => readonly AnyKind[],
  namespace: string,
  { apiVersion = '', kind, name }: Named,
): Promise<ScaleTarget> {
  if (apiVersion.split('/').length > 2) throw new Error(`unexpected GroupVersion string: ${apiVersion}`)
  const group = groupOf({ apiVersion })
  const [found] = kindsOf(group, kind)
  if (!found) throw new Error(`no matches for kind "${kind}" in group "${group}"`)
  const scale = (await client.getSubresource(found, { namespace, name }, 'scale')) as Scale
  return { kind: found, scale }
}

/** client-go's retry.DefaultRetry. */
const [attempts, betweenInMs] = [5, 10]

/** Writes how many there should be; whoever was faster is read again and overruled. Throws what the server says otherwise. */
export async function rescale(
  client: Pick<Client, 'getSubresource' | 'update'>,
  clock: Clock,
  { kind, scale }: ScaleTarget,
  replicas: number,
  note: Note,
): Promise<void> {
  const { namespace, name } = scale.metadata
  let latest = scale
  for (let attempt = 1; ; attempt++) {
    try {
      await client.update(kind, { ...latest, spec: { ...latest.spec, replicas } }, { subresource: 'scale', note })
      return
    } catch (error) {
      if (attempt === attempts || !isReason(error, 'Conflict')) throw error
      latest = (await client.getSubresource(kind, { namespace, name }, 'scale').catch(() => latest)) as Scale
    }
    await clock.sleep(betweenInMs)
  }
}
