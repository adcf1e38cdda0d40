import { Binding } from '../../api/core/binding.ts'
import type { Pod } from '../../api/core/pod.ts'
import { ApiError, conflict } from '../../api/errors.ts'
import { fieldError, invalidObject } from '../../api/field-errors.ts'
import { timestamp } from '../../lib/clock.ts'
import { type AnyDraft, decodeBody } from '../decode-body.ts'
import type { SubresourceDependencies, SubresourceHandler } from '../subresources.ts'

/** What refusals name: upstream's registry calls itself so. */
const resource = { group: '', plural: 'pods/binding' }

/** POST pods/x/binding: the one way a pod gets its node (k8s.io/kubernetes/pkg/registry/core/pod/storage/storage.go, assignPod). */
export function binding({ rewrite, clock }: SubresourceDependencies): SubresourceHandler {
  return async (kind, request) => {
    const { draft, warnings } = decodeBody(Binding, request.body, { fieldValidation: request.options?.fieldValidation })
    const { target, metadata: given } = draft as unknown as Binding
    const { name = '' } = request
    if (given.name && given.name !== name) throw new ApiError('BadRequest', 'name in URL does not match name in Binding object')
    checkTarget(name, target)
    await rewrite(kind, request, old => {
      const pod = old as unknown as Pod
      const { metadata, spec, status } = pod
      if (given.uid && given.uid !== metadata.uid) {
        const why = `the UID in the precondition (${given.uid}) does not match the UID in record (${metadata.uid}).`
        throw conflict(resource, name, `${why} The object might have been deleted and then recreated`)
      }
      if (given.resourceVersion && given.resourceVersion !== metadata.resourceVersion) {
        const why = `the ResourceVersion in the precondition (${given.resourceVersion}) does not match the ResourceVersion in record`
        throw conflict(resource, name, `${why} (${metadata.resourceVersion}). The object might have been modified`)
      }
      if (metadata.deletionTimestamp) throw conflict(resource, name, `pod ${name} is being deleted, cannot be assigned to a host`)
      if (spec.nodeName)
        throw conflict(resource, name, `pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`)
      if (spec.schedulingGates?.length) throw conflict(resource, name, `pod ${name} has non-empty .spec.schedulingGates`)
      const { nominatedNodeName: _nominated, ...rest } = status
      const annotations = given.annotations && { ...metadata.annotations, ...given.annotations }
      return {
        ...pod,
        metadata: { ...metadata, ...(annotations && { annotations }) },
        spec: { ...spec, nodeName: target.name },
        status: { ...rest, conditions: scheduled(rest.conditions, timestamp(clock.now())) },
      } as unknown as AnyDraft
    })
    const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
    return { type: 'object', status: 201, object: success, warnings }
  }
}

function checkTarget(name: string, target: Binding['target']): void {
  const errors = []
  if (target.kind && target.kind !== 'Node') {
    errors.push(fieldError.notSupported('target.kind', target.kind, ['Node', '<empty>']))
  }
  if (!target.name) errors.push(fieldError.required('target.name'))
  if (errors.length > 0) throw invalidObject(Binding, name, errors)
}

/** The conditions with PodScheduled=True, which has no reason. */
function scheduled(conditions: Pod['status']['conditions'], now: string): Pod['status']['conditions'] {
  const others = (conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
  return [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime: now }]
}
