import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { Service } from '../../api/core/service.ts'
import { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import { ignore } from '../../api/errors.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { isNamespaceEnding } from '../shared/api-causes.ts'
import { inParallel } from '../shared/in-parallel.ts'
import { podsByLabel } from '../shared/label-index.ts'
import { restMsFor } from '../shared/rest.ts'
import { selectsPods, servicesBySelector, servicesOfPod } from '../shared/service-pods.ts'
import { managedByLabel, type NewSlice, ownSlices, slicesByService } from '../shared/slices.ts'
import { triggerTimeAnnotation, triggerTimes } from '../shared/trigger-times.ts'
import { manager, planSlices, type SlicePlan } from './plan.ts'

/** Keeps the EndpointSlices of services that select pods (pkg/controller/endpointslice). */
export function endpointSlice(): Controller {
  const times = triggerTimes()
  const own = ownSlices(manager)
  return {
    name: 'endpointslice',
    source: 'endpoint-slice-controller',
    watches: [on(Service), on(Pod, servicesOfPod), on(EndpointSlice, own.changedByOthers)],
    reads: [Node],
    writes: [EndpointSlice],
    indexes: [servicesBySelector.index, podsByLabel, slicesByService],

    async reconcile(context, key) {
      const { lister, events } = context
      const service = lister(Service).get(key)
      if (!service) return times.forget(key)
      if (!selectsPods(service)) return undefined
      const pods = servicesBySelector.podsOf(lister, service)
      const slices = lister(EndpointSlice)
        .by(slicesByService.name, key)
        .filter(({ metadata }) => metadata.labels?.[managedByLabel] === manager && !metadata.deletionTimestamp)
      const plan = planSlices({ service, pods, slices, nodeOf: name => lister(Node).get(name) })
      const time = times.of(key, service, pods)
      let isDisturbed = false
      try {
        isDisturbed = await own.writing(key, () => write(context, service, plan, time))
        const [stranded] = plan.stranded
        if (stranded)
          throw new Error(`skipping Pod ${stranded.metadata.name} for Service ${key}: Node ${stranded.spec.nodeName} Not Found`)
      } catch (error) {
        const message = `Error updating Endpoint Slices for Service ${key}: ${(error as Error).message}`
        events.record(service, 'Warning', 'FailedToUpdateEndpointSlices', message)
        throw error
      }
      return { restMs: restMsFor(pods.length), ...(isDisturbed && { requeueAfterMs: 0 }) }
    },
  }

  /** New slices first, old ones last: nobody is missing in between. */
  async function write(
    { client }: ReconcileContext,
    service: Service,
    { create, update, remove }: SlicePlan,
    time: string | undefined,
  ): Promise<void> {
    if (create.length + update.length + remove.length === 0) return
    const data = { create: create.length, update: update.length, remove: remove.length }
    const note = { rule: 'endpointslice/pods', text: `the pods that ${service.metadata.name} selects changed`, data }
    if (!service.metadata.deletionTimestamp) {
      await inParallel(create, async slice => {
        try {
          own.wrote(await client.create(EndpointSlice, timed(slice, time) as never, { note }))
        } catch (error) {
          if (!isNamespaceEnding(error)) throw error
        }
      })
    }
    await inParallel(update, async slice => own.wrote(await client.update(EndpointSlice, timed(slice, time), { note })))
    await inParallel(remove, async slice => {
      own.removed(slice)
      await client.delete(EndpointSlice, slice.metadata, { note }).catch(ignore('NotFound'))
    })
  }
}

/** A slice that says when the change happened that it follows, if that is known. */
function timed<T extends NewSlice | EndpointSlice>(slice: T, time: string | undefined): T {
  const { [triggerTimeAnnotation]: _, ...others } = slice.metadata.annotations ?? {}
  const annotations = time === undefined ? others : { ...others, [triggerTimeAnnotation]: time }
  return { ...slice, metadata: { ...slice.metadata, annotations } }
}
