import { Endpoints } from '../../api/core/endpoints.ts'
import { Service } from '../../api/core/service.ts'
import { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import { ignore } from '../../api/errors.ts'
import { keyOf } from '../../api/keys.ts'
import type { Controller, ReconcileContext, Watch } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { isNamespaceEnding } from '../shared/api-causes.ts'
import { inParallel } from '../shared/in-parallel.ts'
import { managedByLabel, ownSlices, slicesByService } from '../shared/slices.ts'
import { isMirrored, manager, planMirror } from './plan.ts'

/** Keeps EndpointSlices of the Endpoints that people write for services without a selector (pkg/controller/endpointslicemirroring). */
export function endpointSliceMirroring(): Controller {
  const own = ownSlices(manager)
  return {
    name: 'endpointslice-mirroring',
    source: 'endpoint-slice-mirroring-controller',
    watches: [on(Endpoints, mirrored), on(Service, unselective), on(EndpointSlice, own.changedByOthers)],
    writes: [EndpointSlice],
    indexes: [slicesByService],

    async reconcile(context, key) {
      const { lister } = context
      const slices = lister(EndpointSlice)
        .by(slicesByService.name, key)
        .filter(({ metadata }) => metadata.labels?.[managedByLabel] === manager)
      const endpoints = lister(Endpoints).get(key)
      const service = lister(Service).get(key)
      const isDisturbed = await own.writing(key, () => {
        if (!endpoints || !isMirrored(endpoints) || !service || hasSelector(service)) {
          return remove(context, slices, `there is nothing to mirror for service ${key}`)
        }
        const standing = slices.filter(({ metadata }) => !metadata.deletionTimestamp)
        return mirror(context, endpoints, standing)
      })
      return isDisturbed ? { requeueAfterMs: 0 } : undefined
    },
  }

  async function mirror({ client, events }: ReconcileContext, endpoints: Endpoints, slices: readonly EndpointSlice[]) {
    const plan = planMirror(endpoints, slices)
    if (plan.invalid > 0) {
      const message = `Skipped ${plan.invalid} invalid IP addresses when mirroring to EndpointSlices`
      events.record(endpoints, 'Warning', 'InvalidIPAddress', message)
    }
    if (plan.skipped > plan.invalid) {
      const most = 'A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset'
      events.record(endpoints, 'Warning', 'TooManyAddressesToMirror', `${most}. ${plan.skipped} addresses were skipped`)
    }
    const data = { create: plan.create.length, update: plan.update.length, remove: plan.remove.length }
    const text = `its slices are to say what Endpoints ${endpoints.metadata.name} say`
    const note = { rule: 'endpointslice-mirroring/endpoints', text, data }
    if (!endpoints.metadata.deletionTimestamp) {
      await inParallel(plan.create, async slice => {
        try {
          own.wrote(await client.create(EndpointSlice, slice as never, { note }))
        } catch (error) {
          if (!isNamespaceEnding(error)) throw error
        }
      })
    }
    await inParallel(plan.update, async slice => own.wrote(await client.update(EndpointSlice, slice, { note })))
    await remove({ client }, plan.remove, text)
  }

  async function remove({ client }: Pick<ReconcileContext, 'client'>, slices: readonly EndpointSlice[], text: string) {
    await inParallel(slices, async slice => {
      own.removed(slice)
      const note = { rule: 'endpointslice-mirroring/remove', text }
      await client.delete(EndpointSlice, slice.metadata, { note }).catch(ignore('NotFound'))
    })
  }
}

const hasSelector = ({ spec }: Service): boolean => Object.keys(spec.selector ?? {}).length > 0

/** Endpoints that nobody mirrors, before or after, concern nobody here. */
const mirrored: Watch['keys'] = ({ object, previous }) => {
  const isConcerned = [object, previous].some(each => each && isMirrored(each as Endpoints))
  return isConcerned ? [keyOf(object)] : []
}

/** Services without a selector as they come and go, and those that get or lose theirs. */
const unselective: Watch['keys'] = ({ type, object, previous }) => {
  const isNow = !hasSelector(object as Service)
  const isConcerned = type === 'modified' && previous ? isNow !== !hasSelector(previous as Service) : isNow
  return isConcerned ? [keyOf(object)] : []
}
