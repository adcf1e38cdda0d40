import { ReplicaSet } from '../../../api/apps/replica-set.ts'
import { Job } from '../../../api/batch/job.ts'
import { ConfigMap } from '../../../api/core/config-map.ts'
import { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../../api/core/pod.ts'
import { ResourceQuota } from '../../../api/core/resource-quota.ts'
import { Secret } from '../../../api/core/secret.ts'
import { Service } from '../../../api/core/service.ts'
import { amountOf } from '../../../api/placement/pod-requests.ts'
import { isFinished } from '../../shared/pod-state.ts'
import type { Picture } from '../picture.ts'
import type { Invariant } from '../story.ts'
import { said } from './words.ts'

const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0)

/** How much of each resource a namespace uses, counted anew. */
const usedIn = (picture: Picture, namespace: string): Readonly<Record<string, number>> => {
  const pods = picture.of(Pod, namespace).filter(pod => !isFinished(pod))
  const claims = picture.of(PersistentVolumeClaim, namespace)
  const cpu = ({ spec }: Pod) => sum(spec.containers.map(({ resources }) => amountOf('cpu', resources?.requests?.cpu ?? '0')))
  const storage = claims.map(({ spec }) => amountOf('storage', spec.resources?.requests?.storage ?? '0'))
  return {
    ...{ pods: pods.length, 'requests.cpu': sum(pods.map(cpu)) },
    ...{ persistentvolumeclaims: claims.length, 'requests.storage': sum(storage) },
    ...{ configmaps: picture.of(ConfigMap, namespace).length, services: picture.of(Service, namespace).length },
    'count/replicasets.apps': picture.of(ReplicaSet, namespace).length,
    'count/jobs.batch': picture.of(Job, namespace).length,
    'count/secrets': picture.of(Secret, namespace).length,
  }
}

/** What a quota says is used is what is there. */
export const quotasAreCounted: Invariant = picture =>
  picture.of(ResourceQuota).flatMap(quota => {
    const used = usedIn(picture, quota.metadata.namespace)
    return Object.keys(quota.spec.hard ?? {}).flatMap(name => {
      const [is, should] = [quota.status.used?.[name], used[name] ?? 0]
      const amount = amountOf(name === 'requests.cpu' ? 'cpu' : name, is ?? '-1')
      return amount === should ? [] : [said(quota, `says used ${name} ${is}, but it is ${should}`)]
    })
  })
