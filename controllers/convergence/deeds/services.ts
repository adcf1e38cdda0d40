import { HorizontalPodAutoscaler } from '../../../api/autoscaling/horizontal-pod-autoscaler.ts'
import { Endpoints } from '../../../api/core/endpoints.ts'
import { Pod } from '../../../api/core/pod.ts'
import { Service } from '../../../api/core/service.ts'
import { EndpointSlice } from '../../../api/discovery/endpoint-slice.ts'
import type { AnyKind } from '../../../api/kind.ts'
import { PodDisruptionBudget } from '../../../api/policy/pod-disruption-budget.ts'
import type { KubeObject } from '../../../api/transport.ts'
import { aNamespace, type Deed, named, oneOf, pick, pickObject, type Theme } from '../theme.ts'

const anApp = ['web', 'api', 'solo', 'old', 'db', 'queue', 'agent'] as const

const createService: Deed = ({ random, client }) => {
  const app = pick(random, ...anApp)
  const metadata = { namespace: aNamespace(random), name: app, labels: { tier: pick(random, 'front', 'back') } }
  const spec = {
    selector: { app },
    ...(random.below(3) === 0 && { clusterIP: 'None' }),
    ...(random.below(3) === 0 && { publishNotReadyAddresses: true }),
    ports: [{ name: 'http', port: 80, targetPort: pick(random, 8080, 'http') }],
  }
  return {
    text: `service ${named({ metadata })}: ${JSON.stringify(spec)}`,
    act: () => client.create(Service, { metadata, spec }),
  }
}
const changeService: Deed = ({ random, client, picture }) => {
  const service = oneOf(
    random,
    picture.of(Service).filter(({ metadata }) => metadata.name !== 'kubernetes'),
  )
  if (!service) return undefined
  const patch = pickObject(
    random,
    { spec: { selector: { app: pick(random, ...anApp) } } },
    { spec: { publishNotReadyAddresses: !service.spec.publishNotReadyAddresses } },
    { spec: { ports: [{ name: 'http', port: 80, targetPort: pick(random, 8080, 9090) }] } },
    { metadata: { labels: { tier: pick(random, 'front', 'back') } } },
  )
  return {
    text: `service ${named(service)}: ${JSON.stringify(patch)}`,
    act: () => client.patch(Service, service.metadata, 'merge', patch),
  }
}
const removeOneOf =
  (...kinds: readonly [AnyKind, ...AnyKind[]]): Deed =>
  ({ random, client, picture }) => {
    const kind = pick(random, ...kinds)
    const objects = picture.of(kind) as readonly KubeObject[]
    const object = oneOf(
      random,
      objects.filter(({ metadata }) => metadata.name !== 'kubernetes'),
    )
    return object && { text: `${kind.singular} ${named(object)}: deleted`, act: () => client.delete(kind, object.metadata) }
  }

export const services: Theme = {
  name: 'services',
  opening: [createService, createService, createService],
  deeds: [
    createService,
    createService,
    changeService,
    changeService,
    removeOneOf(Service),
    removeOneOf(Endpoints, EndpointSlice),
  ],
}

const createBudget: Deed = ({ random, client }) => {
  const app = pick(random, ...anApp)
  const metadata = { namespace: aNamespace(random), name: app }
  const spec = {
    selector: { matchLabels: { app } },
    ...pickObject(
      random,
      { minAvailable: random.below(4) },
      { minAvailable: '50%' },
      { maxUnavailable: 1 },
      { maxUnavailable: '30%' },
    ),
  }
  return {
    text: `budget ${named({ metadata })}: ${JSON.stringify(spec)}`,
    act: () => client.create(PodDisruptionBudget, { metadata, spec }),
  }
}
const changeBudget: Deed = ({ random, client, picture }) => {
  const budget = oneOf(random, picture.of(PodDisruptionBudget))
  if (!budget) return undefined
  if (random.below(4) === 0) {
    return { text: `budget ${named(budget)}: deleted`, act: () => client.delete(PodDisruptionBudget, budget.metadata) }
  }
  const spec = pickObject(
    random,
    { minAvailable: random.below(5), maxUnavailable: null },
    { minAvailable: null, maxUnavailable: '40%' },
  )
  return {
    text: `budget ${named(budget)}: ${JSON.stringify(spec)}`,
    act: () => client.patch(PodDisruptionBudget, budget.metadata, 'merge', { spec }),
  }
}
const evict: Deed = ({ random, client, picture }) => {
  const pod = oneOf(random, picture.of(Pod))
  if (!pod) return undefined
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod.metadata.name } }
  return { text: `pod ${named(pod)}: evicted`, act: () => client.createSubresource(Pod, pod.metadata, 'eviction', body) }
}

export const budgets: Theme = {
  name: 'budgets',
  opening: [createBudget, createBudget, createBudget],
  deeds: [createBudget, createBudget, changeBudget, evict, evict, evict],
}

const createScaler: Deed = ({ random, client }) => {
  const [kind, name] = pick(random, ['Deployment', 'web'], ['Deployment', 'api'], ['StatefulSet', 'db'], ['ReplicaSet', 'solo'])
  const metadata = { namespace: aNamespace(random), name }
  const spec = {
    scaleTargetRef: { apiVersion: 'apps/v1', kind, name },
    ...{ minReplicas: 1 + random.below(2), maxReplicas: 3 + random.below(5) },
    metrics: [
      { type: 'Resource' as const, resource: { name: 'cpu', target: { type: 'Utilization' as const, averageUtilization: 50 } } },
    ],
  }
  return {
    text: `autoscaler ${named({ metadata })}: ${kind} ${spec.minReplicas} to ${spec.maxReplicas}`,
    act: () => client.create(HorizontalPodAutoscaler, { metadata, spec }),
  }
}
const changeScaler: Deed = ({ random, client, picture }) => {
  const scaler = oneOf(random, picture.of(HorizontalPodAutoscaler))
  if (!scaler) return undefined
  if (random.below(4) === 0) {
    return { text: `autoscaler ${named(scaler)}: deleted`, act: () => client.delete(HorizontalPodAutoscaler, scaler.metadata) }
  }
  const spec = { minReplicas: 1 + random.below(3), maxReplicas: 3 + random.below(5) }
  return {
    text: `autoscaler ${named(scaler)}: ${JSON.stringify(spec)}`,
    act: () => client.patch(HorizontalPodAutoscaler, scaler.metadata, 'merge', { spec }),
  }
}
const load: Deed = ({ random, uses }) => {
  const app = pick(random, 'web', 'api', 'db', 'solo')
  const milli = pick(random, 5, 30, 50, 80, 200)
  return { text: `pods of ${app} use ${milli}m each`, act: async () => uses.set(app, milli) }
}

export const autoscalers: Theme = {
  name: 'autoscalers',
  opening: [createScaler, createScaler, load, load],
  deeds: [createScaler, createScaler, changeScaler, load, load, load],
  /** Exactly what is aimed at: nothing is to be changed any more. */
  async calm({ uses }) {
    for (const app of ['web', 'api', 'db', 'solo']) uses.set(app, 50)
  },
}
