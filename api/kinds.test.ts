import type * as apps from 'kubernetes-types/apps/v1.d.ts'
import type * as autoscaling from 'kubernetes-types/autoscaling/v2.d.ts'
import type * as batch from 'kubernetes-types/batch/v1.d.ts'
import type * as core from 'kubernetes-types/core/v1.d.ts'
import type * as policy from 'kubernetes-types/policy/v1.d.ts'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import type { ControllerRevision } from './apps/controller-revision.ts'
import type { DaemonSet } from './apps/daemon-set.ts'
import type { Deployment } from './apps/deployment.ts'
import type { StatefulSet } from './apps/stateful-set.ts'
import type { HorizontalPodAutoscaler } from './autoscaling/horizontal-pod-autoscaler.ts'
import type { CronJob } from './batch/cron-job.ts'
import type { Job } from './batch/job.ts'
import type { Container } from './core/container.ts'
import type { Endpoints } from './core/endpoints.ts'
import type { LimitRange } from './core/limit-range.ts'
import type { Node } from './core/node.ts'
import type { NodeSpec, NodeStatus } from './core/node-spec.ts'
import type { PodSpec } from './core/pod-spec.ts'
import type { PodStatus } from './core/pod-status.ts'
import type { ReplicationController } from './core/replication-controller.ts'
import type { ResourceQuota } from './core/resource-quota.ts'
import { decode } from './decode.ts'
import { bodyKinds, kinds } from './kinds.ts'
import type { PodDisruptionBudget } from './policy/pod-disruption-budget.ts'

describe.each([...kinds, ...bodyKinds].map(kind => [kind.kind, kind] as const))('%s', (_, kind) => {
  test('decodes from nothing, and what it decodes decodes to itself', () => {
    const { object } = decode(kind, { metadata: { name: 'a' } }, 'Strict')
    expect(decode(kind, object, 'Strict')).toEqual({ object, warnings: [] })
  })

  test('defaults twice are defaults once', () => {
    const { object } = decode(kind, { metadata: { name: 'a' } }, 'Strict')
    kind.default(object)
    const once = structuredClone(object)
    kind.default(object)
    expect(object).toEqual(once)
  })

  test('its columns answer for an object that has just been made', () => {
    const { object } = decode(kind, { metadata: { name: 'a' } }, 'Strict')
    kind.default(object)
    for (const column of kind.columns) {
      const cell = column.value(object, 0)
      expect([column.name, typeof cell]).toEqual([column.name, expect.stringMatching(/string|number|boolean/)])
    }
  })

  test('refuses a bad label, annotation and finalizer together', () => {
    const metadata = { name: 'a', namespace: 'b', labels: { '-': 'x' }, annotations: { '-': '' }, finalizers: ['-/odd'] }
    const { object } = decode(kind, { metadata }, 'Strict')
    const fields = kind.validate(object).map(({ field }) => field)
    expect(fields).toEqual(expect.arrayContaining(['metadata.labels', 'metadata.annotations', 'metadata.finalizers[0]']))
  })

  test('describes its fields for explain', () => {
    for (const [name, field] of Object.entries(kind.fields)) {
      expect([name, z.globalRegistry.get(field)?.description]).toEqual([name, expect.stringMatching(/\S/)])
    }
  })
})

test('no name is taken twice', () => {
  const versions = kinds.map(({ group, version, plural }) => `${group}/${version}/${plural}`)
  expect(new Set(versions).size).toBe(versions.length)
  // Several versions of a kind share their names: the first of them stands for all.
  const kept = kinds.filter(({ storedAs }) => !storedAs)
  const names = kept.flatMap(({ group, plural, singular, shortNames }) => [`${plural}.${group}`, ...shortNames, `${singular}/`])
  expect(new Set(names).size).toBe(names.length)
})

test('another version of a kind goes by the same names as the one that is kept, which comes first', () => {
  for (const [i, { storedAs, ...kind }] of kinds.entries()) {
    if (!storedAs || storedAs.hasOwnRules) continue
    const { group, plural, singular, namespaced, subresources, shortNames, categories } = kind
    expect(storedAs.kind).toMatchObject({ group, plural, singular, namespaced, subresources, shortNames, categories })
    expect(kinds.indexOf(storedAs.kind)).toBeLessThan(i)
  }
})

type Upstream<T> = Omit<T, 'volumes'>
type Known<T, Ours> = Exclude<keyof T, keyof Ours>

test('our types are upstream’s types', () => {
  expectTypeOf<Omit<PodSpec, 'volumes'>>().toExtend<Upstream<core.PodSpec>>()
  expectTypeOf<PodStatus>().toExtend<core.PodStatus>()
  expectTypeOf<Container>().toExtend<core.Container>()
  expectTypeOf<NodeSpec>().toExtend<core.NodeSpec>()
  expectTypeOf<NodeStatus>().toExtend<core.NodeStatus>()
  expectTypeOf<Deployment['status']>().toExtend<apps.DeploymentStatus>()
  expectTypeOf<Deployment['spec']['strategy']>().toExtend<apps.DeploymentStrategy>()
  // And nothing that upstream has is missing.
  expectTypeOf<Known<core.PodSpec, PodSpec>>().toBeNever()
  expectTypeOf<Known<core.PodStatus, PodStatus>>().toBeNever()
  expectTypeOf<Known<core.Container, Container>>().toBeNever()
  expectTypeOf<Known<core.Node, Node>>().toBeNever()
  expectTypeOf<Known<core.NodeSpec, NodeSpec>>().toBeNever()
  expectTypeOf<Known<core.NodeStatus, NodeStatus>>().toBeNever()
  expectTypeOf<Known<core.Volume, NonNullable<PodSpec['volumes']>[number]>>().toBeNever()
  expectTypeOf<Known<apps.DeploymentSpec, Deployment['spec']>>().toBeNever()
})

/** Pod templates and claims apart: what is in them is compared above. */
type Shallow<T> = Omit<T, 'template' | 'volumeClaimTemplates' | 'jobTemplate'>

test('the workloads, budgets and quotas are upstream’s', () => {
  expectTypeOf<Shallow<StatefulSet['spec']>>().toExtend<Shallow<apps.StatefulSetSpec>>()
  expectTypeOf<StatefulSet['status']>().toExtend<apps.StatefulSetStatus>()
  expectTypeOf<Shallow<DaemonSet['spec']>>().toExtend<Shallow<apps.DaemonSetSpec>>()
  expectTypeOf<DaemonSet['status']>().toExtend<apps.DaemonSetStatus>()
  expectTypeOf<Shallow<Job['spec']>>().toExtend<Shallow<batch.JobSpec>>()
  expectTypeOf<Job['status']>().toExtend<batch.JobStatus>()
  expectTypeOf<Shallow<CronJob['spec']>>().toExtend<Shallow<batch.CronJobSpec>>()
  expectTypeOf<CronJob['status']>().toExtend<batch.CronJobStatus>()
  expectTypeOf<Shallow<ReplicationController['spec']>>().toExtend<Shallow<core.ReplicationControllerSpec>>()
  expectTypeOf<ReplicationController['status']>().toExtend<core.ReplicationControllerStatus>()
  expectTypeOf<HorizontalPodAutoscaler['spec']>().toExtend<autoscaling.HorizontalPodAutoscalerSpec>()
  expectTypeOf<PodDisruptionBudget['spec']>().toExtend<policy.PodDisruptionBudgetSpec>()
  // Upstream's conditions always have a time; ours decode without one, and validation asks for it.
  type Counted = Omit<policy.PodDisruptionBudgetStatus, 'conditions' | 'disruptedPods'>
  expectTypeOf<Omit<PodDisruptionBudget['status'], 'conditions'>>().toExtend<Counted>()
  expectTypeOf<ResourceQuota['spec']>().toExtend<core.ResourceQuotaSpec>()
  expectTypeOf<ResourceQuota['status']>().toExtend<core.ResourceQuotaStatus>()
  expectTypeOf<LimitRange['spec']>().toExtend<core.LimitRangeSpec>()
  expectTypeOf<NonNullable<Endpoints['subsets']>>().toExtend<core.EndpointSubset[]>()
  expectTypeOf<Known<apps.StatefulSetSpec, StatefulSet['spec']>>().toBeNever()
  expectTypeOf<Known<apps.StatefulSetStatus, StatefulSet['status']>>().toBeNever()
  expectTypeOf<Known<apps.DaemonSetSpec, DaemonSet['spec']>>().toBeNever()
  expectTypeOf<Known<apps.DaemonSetStatus, DaemonSet['status']>>().toBeNever()
  expectTypeOf<Known<apps.ControllerRevision, ControllerRevision>>().toBeNever()
  expectTypeOf<Known<batch.JobSpec, Job['spec']>>().toBeNever()
  expectTypeOf<Known<batch.JobStatus, Job['status']>>().toBeNever()
  expectTypeOf<Known<batch.CronJobSpec, CronJob['spec']>>().toBeNever()
  expectTypeOf<Known<batch.CronJobStatus, CronJob['status']>>().toBeNever()
  expectTypeOf<Known<core.ReplicationControllerSpec, ReplicationController['spec']>>().toBeNever()
  expectTypeOf<Known<core.ReplicationControllerStatus, ReplicationController['status']>>().toBeNever()
  expectTypeOf<Known<autoscaling.HorizontalPodAutoscalerSpec, HorizontalPodAutoscaler['spec']>>().toBeNever()
  expectTypeOf<Known<autoscaling.HorizontalPodAutoscalerStatus, HorizontalPodAutoscaler['status']>>().toBeNever()
  expectTypeOf<Known<policy.PodDisruptionBudgetSpec, PodDisruptionBudget['spec']>>().toBeNever()
  expectTypeOf<Known<policy.PodDisruptionBudgetStatus, PodDisruptionBudget['status']>>().toBeNever()
  expectTypeOf<Known<core.ResourceQuotaSpec, ResourceQuota['spec']>>().toBeNever()
  expectTypeOf<Known<core.LimitRangeItem, LimitRange['spec']['limits'][number]>>().toBeNever()
})
