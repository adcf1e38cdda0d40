import type * as apps from 'kubernetes-types/apps/v1.d.ts'
import type * as core from 'kubernetes-types/core/v1.d.ts'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import type { Deployment } from './apps/deployment.ts'
import { decode } from './decode.ts'
import type { Container } from './core/container.ts'
import type { Node } from './core/node.ts'
import type { NodeSpec, NodeStatus } from './core/node-spec.ts'
import type { PodSpec } from './core/pod-spec.ts'
import type { PodStatus } from './core/pod-status.ts'
import { bodyKinds, kinds } from './kinds.ts'

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
    const metadata = { name: 'a', namespace: 'b', labels: { '-': 'x' }, annotations: { '-': '' }, finalizers: ['odd'] }
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
  const names = kinds.flatMap(({ group, plural, singular, shortNames }) => [`${plural}.${group}`, ...shortNames, `${singular}/`])
  expect(new Set(names).size).toBe(names.length)
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
