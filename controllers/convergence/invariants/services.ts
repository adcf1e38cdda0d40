import { Endpoints } from '../../../api/core/endpoints.ts'
import { Pod } from '../../../api/core/pod.ts'
import { Service } from '../../../api/core/service.ts'
import { EndpointSlice } from '../../../api/discovery/endpoint-slice.ts'
import { isFinished, isReady } from '../../shared/pod-state.ts'
import type { Picture } from '../picture.ts'
import type { Invariant } from '../story.ts'
import { said } from './words.ts'

const ownSlices = (picture: Picture, { metadata: { namespace, name } }: Service) =>
  picture
    .of(EndpointSlice, namespace)
    .filter(
      ({ metadata: { labels = {} } }) =>
        labels['kubernetes.io/service-name'] === name &&
        labels['endpointslice.kubernetes.io/managed-by'] === 'endpointslice-controller.k8s.io',
    )

const selectedBy = (picture: Picture, { metadata, spec }: Service) =>
  picture
    .of(Pod, metadata.namespace)
    .filter(
      pod =>
        Object.entries(spec.selector ?? {}).every(([key, value]) => pod.metadata.labels?.[key] === value) &&
        pod.status.podIP &&
        !isFinished(pod),
    )

const selecting = (picture: Picture) => picture.of(Service).filter(({ spec }) => Object.keys(spec.selector ?? {}).length > 0)

/** `address ready`, sorted. */
const told = (of: readonly (readonly [address: string, isReady: boolean])[]) =>
  of.map(([address, ready]) => `${address} ${ready}`).sort()

/** Slices name every pod that serves, once, and how it is; none has more than a hundred. */
export const slicesNameThePods: Invariant = picture =>
  selecting(picture).flatMap(service => {
    const slices = ownSlices(picture, service)
    const complaints = slices.flatMap(slice => [
      ...(slice.endpoints.length > 100 ? [said(slice, `has ${slice.endpoints.length} endpoints`)] : []),
      ...(slice.metadata.labels?.tier !== service.metadata.labels?.tier
        ? [said(slice, 'has not the labels of its service')]
        : []),
      ...(slice.metadata.ownerReferences?.[0]?.uid !== service.metadata.uid ? [said(slice, 'is not owned by its service')] : []),
    ])
    for (const family of service.spec.ipFamilies ?? []) {
      const endpoints = slices.filter(({ addressType }) => addressType === family).flatMap(slice => slice.endpoints)
      const is = told(endpoints.map(({ addresses, conditions }) => [addresses[0] ?? '', conditions?.ready ?? true] as const))
      const isServing = (pod: Pod) =>
        service.spec.publishNotReadyAddresses || (isReady(pod) && pod.metadata.deletionTimestamp === undefined)
      const pods = family === 'IPv4' ? selectedBy(picture, service) : []
      const should = told(pods.map(pod => [pod.status.podIP ?? '', isServing(pod)] as const))
      if (is.join() !== should.join()) complaints.push(said(service, `has slices with ${is}, but it is ${should}`))
    }
    return complaints
  })

/** Endpoints name every pod that serves, by whether it is ready. */
export const endpointsNameThePods: Invariant = picture =>
  selecting(picture).flatMap(service => {
    const { namespace, name } = service.metadata
    const endpoints = picture.get(Endpoints, namespace, name)
    if (!endpoints) return [said(service, 'has no endpoints')]
    const is = (endpoints.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [] }) => [
      ...addresses.map(({ ip }) => [ip, true] as const),
      ...notReadyAddresses.map(({ ip }) => [ip, false] as const),
    ])
    const publishes = service.spec.publishNotReadyAddresses === true
    const pods = selectedBy(picture, service).filter(pod => publishes || !pod.metadata.deletionTimestamp)
    const should = told(pods.map(pod => [pod.status.podIP ?? '', publishes || isReady(pod)] as const))
    const [found, wanted] = [told(is).join(), should.join()]
    return found === wanted ? [] : [said(endpoints, `names ${found}, but it is ${wanted}`)]
  })
