import { Endpoints } from '../../api/core/endpoints.ts'
import { Pod } from '../../api/core/pod.ts'
import { Service } from '../../api/core/service.ts'
import { ignore } from '../../api/errors.ts'
import { keyOf, splitKey } from '../../api/keys.ts'
import { apiVersionOf } from '../../api/kind.ts'
import type { Controller, ReconcileContext, Watch } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { isNamespaceEnding } from '../shared/api-causes.ts'
import { podsByLabel } from '../shared/label-index.ts'
import { restMsFor } from '../shared/rest.ts'
import { selectsPods, servicesBySelector, servicesOfPod } from '../shared/service-pods.ts'
import { triggerTimeAnnotation, triggerTimes } from '../shared/trigger-times.ts'
import { annotationsWith, contentOf, type EndpointsContent, isUpToDate, managedByLabel, manager } from './plan.ts'

/** Keeps the Endpoints of services that select pods (pkg/controller/endpoint). */
export function endpoints(): Controller {
  const times = triggerTimes()
  return {
    name: 'endpoints',
    source: 'endpoint-controller',
    watches: [on(Service), on(Pod, servicesOfPod), on(Endpoints, lostOrLeftOver)],
    writes: [Endpoints],
    indexes: [servicesBySelector.index, podsByLabel],

    async reconcile(context, key) {
      const { lister, client } = context
      const service = lister(Service).get(key)
      if (!service) {
        times.forget(key)
        if (!lister(Endpoints).get(key)) return undefined
        const note = { rule: 'endpoints/no-service', text: 'the service of their name is gone' }
        await client.delete(Endpoints, splitKey(key), { note }).catch(ignore('NotFound'))
        return undefined
      }
      if (!selectsPods(service)) return undefined
      const pods = servicesBySelector.podsOf(lister, service)
      const content = contentOf(service, pods)
      const time = times.of(key, service, pods)
      const known = lister(Endpoints).get(key)
      if (!known || !isUpToDate(known, content)) await write(context, service, known, content, time)
      return { restMs: restMsFor(pods.length) }
    },
  }
}

/** Wakes the services whose Endpoints are gone, and those of the Endpoints that were left behind when their service went. */
const lostOrLeftOver: Watch['keys'] = ({ type, object }, lister) => {
  const key = keyOf(object)
  const isLeftOver = type === 'added' && object.metadata.labels?.[managedByLabel] === manager && !lister(Service).get(key)
  return type === 'deleted' || isLeftOver ? [key] : []
}

async function write(
  { client, events }: ReconcileContext,
  service: Service,
  known: Endpoints | undefined,
  content: EndpointsContent,
  time: string | undefined,
): Promise<void> {
  const { namespace, name } = service.metadata
  const { [triggerTimeAnnotation]: _, ...others } = annotationsWith(known?.metadata.annotations, content)
  const annotations = time === undefined ? others : { ...others, [triggerTimeAnnotation]: time }
  const changed = { labels: { ...content.labels }, annotations }
  const metadata = known ? { ...known.metadata, ...changed } : { namespace, name, ...changed }
  const kind = { apiVersion: apiVersionOf(Endpoints), kind: Endpoints.kind }
  const next = { ...kind, metadata, subsets: [...content.subsets] }
  const addresses = content.subsets.reduce((sum, each) => sum + (each.addresses?.length ?? 0), 0)
  const text = `the pods that ${name} selects changed: ${addresses} addresses are ready`
  const note = { rule: 'endpoints/pods', text, data: { subsets: content.subsets.length, addresses } }
  try {
    await (known ? client.update(Endpoints, next, { note }) : client.create(Endpoints, next, { note }))
  } catch (error) {
    if (!known && isNamespaceEnding(error)) return
    const [reason, what] = known
      ? ['FailedToUpdateEndpoint', `Failed to update endpoint ${namespace}/${name}`]
      : ['FailedToCreateEndpoint', `Failed to create endpoint for service ${namespace}/${name}`]
    const about = { ...kind, metadata: known?.metadata ?? { ...service.metadata, uid: '', resourceVersion: '' } }
    events.record(about, 'Warning', reason, `${what}: ${(error as Error).message}`)
    throw error
  }
}
