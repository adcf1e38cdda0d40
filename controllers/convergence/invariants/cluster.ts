import { ConfigMap } from '../../../api/core/config-map.ts'
import { Namespace } from '../../../api/core/namespace.ts'
import { Node } from '../../../api/core/node.ts'
import { Pod } from '../../../api/core/pod.ts'
import { ServiceAccount } from '../../../api/core/service-account.ts'
import { isFinished } from '../../shared/pod-state.ts'
import type { Invariant } from '../story.ts'
import { isTrue, said } from './words.ts'

/** Namespaces that were deleted are gone with all that was in them; the others have what each has from the start. */
export const namespacesAreWhole: Invariant = picture => {
  const names = new Set(picture.of(Namespace).map(({ metadata }) => metadata.name))
  const certificates = new Set<string>()
  const complaints: string[] = []
  for (const object of picture.all()) {
    const { namespace } = object.metadata
    if (namespace !== undefined && !names.has(namespace)) complaints.push(said(object, 'is in no namespace'))
  }
  for (const name of names) {
    if (!picture.get(ServiceAccount, name, 'default')) complaints.push(`${name} has no default service account`)
    const authority = picture.get(ConfigMap, name, 'kube-root-ca.crt')?.data?.['ca.crt']
    if (!authority?.includes('BEGIN CERTIFICATE')) complaints.push(`${name} does not have the authority`)
    certificates.add(authority ?? '')
  }
  if (certificates.size > 1) complaints.push('namespaces have different authorities')
  return complaints
}

/** Nodes are ready, without taints that say otherwise, and each has addresses of its own. */
export const nodesAreWell: Invariant = picture => {
  const ranges = new Map<string, string>()
  return picture.of(Node).flatMap(node => {
    const complaints: string[] = []
    if (!isTrue(node.status.conditions, 'Ready')) complaints.push(said(node, 'is not ready'))
    const taints = (node.spec.taints ?? []).filter(({ key }) => key.startsWith('node.kubernetes.io/'))
    if (taints.length > 0) complaints.push(said(node, `has taints ${taints.map(({ key, effect }) => `${key}:${effect}`)}`))
    const { podCIDR } = node.spec
    const other = podCIDR && ranges.get(podCIDR)
    if (!podCIDR) complaints.push(said(node, 'has no range'))
    else ranges.set(podCIDR, node.metadata.name)
    if (other) complaints.push(said(node, `shares the range ${podCIDR} with ${other}`))
    if (node.metadata.annotations?.['node.alpha.kubernetes.io/ttl'] !== '0') complaints.push(said(node, 'has no time to live'))
    return complaints
  })
}

/** Every pod that has not ended is on a node that is there, and runs. */
export const podsHaveNodes: Invariant = picture =>
  picture.of(Pod).flatMap(pod => {
    const { nodeName } = pod.spec
    if (isFinished(pod) || nodeName === undefined) return []
    if (!picture.get(Node, undefined, nodeName)) return [said(pod, `is on node ${nodeName}, which is gone`)]
    return pod.status.phase === 'Running' ? [] : [said(pod, `is ${pod.status.phase}`)]
  })
