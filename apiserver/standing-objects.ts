import { ignore } from '../api/errors.ts'
import {
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
  suggestedFlowSchemas,
  suggestedPriorityLevels,
} from '../api/flowcontrol/bootstrap-objects.ts'
import { FlowSchema } from '../api/flowcontrol/flow-schema.ts'
import { PriorityLevelConfiguration } from '../api/flowcontrol/priority-level-configuration.ts'
import { type AnyKind, apiVersionOf } from '../api/kind.ts'
import { ServiceCIDR } from '../api/networking/service-cidr.ts'
import type { KubeObject } from '../api/transport.ts'
import { users } from '../api/user.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Run } from '../lib/run.ts'
import { apiServices } from './api-services.ts'
import type { Pipeline } from './pipeline.ts'
import { defaultServiceRange } from './service-addresses.ts'
import { serviceIpAddresses } from './service-ip-addresses.ts'

interface Options {
  readonly pipeline: Pick<Pipeline, 'handle' | 'kinds'>
  /** Nothing of this is needed to answer requests: it waits until they are. */
  readonly ready: Promise<unknown>
  readonly clock: Clock
  readonly log: Log
}

/** A cluster that has just started has better to do. */
const delayInMs = 1_000

/** How the server reads and writes the objects it keeps itself. */
export interface OwnObjects {
  list(kind: AnyKind): Promise<readonly KubeObject[]>
  /** Creates what is not there. */
  ensure(kind: AnyKind, bodies: readonly Body[]): Promise<void>
  remove(kind: AnyKind, name: string): Promise<void>
  setStatus(kind: AnyKind, body: Body): Promise<void>
}

/** An object to write, known by its name. */
export interface Body {
  readonly metadata: { readonly name: string }
}

/**
 * The objects that tell what the server itself does: its priority levels, the API versions it serves, where services get their
 * addresses from and which they have. They appear shortly after a start and are kept up to date.
 */
export function standingObjects({ pipeline, ready, clock, log }: Options): Run {
  return async signal => {
    await ready.catch(() => {})
    await clock.sleep(delayInMs, signal)
    if (signal.aborted) return
    const own = ownObjects(pipeline, signal)
    try {
      await Promise.all([flowControl(own), serviceRange(own)])
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'objects of the server itself are missing')
    }
    const kept = { pipeline, own, log }
    await Promise.all([apiServices(kept)(signal), serviceIpAddresses(kept)(signal)])
  }
}

async function flowControl({ ensure }: OwnObjects): Promise<void> {
  await ensure(PriorityLevelConfiguration, [...mandatoryPriorityLevels, ...suggestedPriorityLevels])
  await ensure(FlowSchema, [...mandatoryFlowSchemas, ...suggestedFlowSchemas])
}

const ready = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes default Service CIDR is ready' }

async function serviceRange({ list, ensure, setStatus }: OwnObjects): Promise<void> {
  const range = { metadata: { name: 'kubernetes' }, spec: { cidrs: [defaultServiceRange] } }
  if ((await list(ServiceCIDR)).some(({ metadata }) => metadata.name === range.metadata.name)) return
  await ensure(ServiceCIDR, [range])
  const [made] = await list(ServiceCIDR)
  const lastTransitionTime = made?.metadata.creationTimestamp
  await setStatus(ServiceCIDR, { ...range, status: { conditions: [{ ...ready, lastTransitionTime }] } } as Body)
}

function ownObjects({ handle }: Options['pipeline'], signal: AbortSignal): OwnObjects {
  const target = ({ group, version, plural }: AnyKind) => ({ group, version, resource: plural, user: users.apiServer, signal })
  const typed = (kind: AnyKind, body: Body) => ({ apiVersion: apiVersionOf(kind), kind: kind.kind, ...body })
  const list: OwnObjects['list'] = async kind => {
    const found = await handle({ ...target(kind), verb: 'list' })
    return found.type === 'list' ? found.items.map(({ object }) => object) : []
  }
  return {
    list,
    async ensure(kind, bodies) {
      const there = new Set((await list(kind)).map(({ metadata }) => metadata.name))
      const missing = bodies.filter(({ metadata }) => !there.has(metadata.name))
      const create = (body: Body) => handle({ ...target(kind), verb: 'create', body: typed(kind, body) })
      await Promise.all(missing.map(body => create(body).catch(ignore('AlreadyExists'))))
    },
    async remove(kind, name) {
      await handle({ ...target(kind), verb: 'delete', name }).catch(ignore('NotFound'))
    },
    async setStatus(kind, body) {
      const { name } = body.metadata
      await handle({ ...target(kind), verb: 'update', name, subresource: 'status', body: typed(kind, body) })
    },
  }
}
