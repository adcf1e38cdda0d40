import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { ApiError } from '../api/errors.ts'
import { defineKind } from '../api/kind.ts'
import { bodyKinds, kinds } from '../api/kinds.ts'
import { type ApiResource, compareVersions } from './discovery.ts'
import { documents } from './documents.ts'
import { kindTable } from './kind-table.ts'
import type { Swagger } from './openapi/v2.ts'

type Json = Record<string, unknown>
const review = defineKind({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
  description: 'A question.',
  fields: () => ({}),
  verbs: ['create'],
})
const { at, prepare } = documents({ kinds: kindTable([...kinds, review]), bodyKinds })
const resources = (path: string) => (at(path) as { resources: ApiResource[] }).resources
const openApi = (path: string) => at(`/openapi/v3/${path}`) as { paths: Json; components: { schemas: Record<string, Json> } }

describe('discovery', () => {
  test('the roots name every group and version', () => {
    expect(at('/api')).toMatchObject({ kind: 'APIVersions', versions: ['v1'] })
    const { groups } = at('/apis') as { groups: { name: string; preferredVersion: object }[] }
    expect(groups.find(({ name }) => name === 'apps')).toEqual({
      name: 'apps',
      versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
      preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
    })
    expect(at('/apis/apps')).toMatchObject({ kind: 'APIGroup', apiVersion: 'v1', name: 'apps' })
  })

  test('a resource with everything clients look for', () => {
    expect(resources('/api/v1').find(({ name }) => name === 'pods')).toEqual({
      name: 'pods',
      singularName: 'pod',
      namespaced: true,
      kind: 'Pod',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['po'],
      categories: ['all'],
    })
  })

  // drain looks for group and version of pods/eviction, scale for those of the Scale.
  test.each([
    ['/api/v1', 'pods/eviction', { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] }],
    ['/api/v1', 'pods/log', { kind: 'Pod', verbs: ['get'] }],
    ['/api/v1', 'pods/status', { kind: 'Pod', verbs: ['get', 'patch', 'update'] }],
    ['/api/v1', 'pods/exec', { kind: 'PodExecOptions' }],
    ['/api/v1', 'serviceaccounts/token', { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' }],
    ['/apis/apps/v1', 'deployments/scale', { group: 'autoscaling', version: 'v1', kind: 'Scale' }],
    ['/apis/authorization.k8s.io/v1', 'selfsubjectaccessreviews', { verbs: ['create'] }],
  ])('%s has %s', (path, name, resource) => {
    expect(resources(path).find(each => each.name === name)).toMatchObject(resource)
  })

  test('what there is not', () => {
    for (const path of ['/apis/none', '/apis/apps/v9', '/openapi/v3/apis/none', '/x']) expect(() => at(path)).toThrow(ApiError)
  })

  test('the same object is answered again', () => {
    for (const path of ['/api', '/apis/apps/v1', '/openapi/v3', '/openapi/v3/api/v1', '/version']) expect(at(path)).toBe(at(path))
  })
})

describe('OpenAPI', () => {
  test('the index has an address with a hash for every group and version', () => {
    const { paths } = at('/openapi/v3') as { paths: Record<string, { serverRelativeURL: string }> }
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['api/v1', 'apis/apps/v1', 'apis/autoscaling/v1']))
    expect(paths['apis/apps/v1']?.serverRelativeURL).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{64}$/)
  })

  test('every kind can be patched strategically, with field validation', () => {
    for (const kind of kinds) {
      const { paths } = openApi(`${kind.group ? `apis/${kind.group}` : 'api'}/${kind.version}`)
      const path = Object.keys(paths).find(each => each.endsWith(`/${kind.plural}/{name}`)) ?? ''
      const { patch } = paths[path] as { patch: Json & { parameters: Json[]; requestBody: { content: Json } } }
      expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: kind.group, version: kind.version, kind: kind.kind })
      expect(patch.parameters).toContainEqual(expect.objectContaining({ name: 'fieldValidation', in: 'query' }))
      expect(patch.requestBody.content).toHaveProperty(['application/strategic-merge-patch+json'])
    }
  })

  test('a schema names its kind, merges its lists and describes its fields', () => {
    const { schemas } = openApi('api/v1').components
    expect(schemas['io.k8s.api.core.v1.Pod']).toMatchObject({
      type: 'object',
      description: expect.stringMatching(/./),
      'x-kubernetes-group-version-kind': [{ group: '', version: 'v1', kind: 'Pod' }],
    })
    expect(schemas['io.k8s.api.core.v1.PodSpec']?.properties).toMatchObject({
      containers: {
        type: 'array',
        items: { $ref: '#/components/schemas/io.k8s.api.core.v1.Container' },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        'x-kubernetes-patch-strategy': 'merge',
        'x-kubernetes-patch-merge-key': 'name',
      },
    })
  })

  test('every reference leads somewhere, and nothing of the schema library shows', () => {
    for (const kind of [...kinds, ...bodyKinds]) {
      const text = JSON.stringify(openApi(`${kind.group ? `apis/${kind.group}` : 'api'}/${kind.version}`))
      const { schemas } = (JSON.parse(text) as ReturnType<typeof openApi>).components
      for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g))
        expect(schemas).toHaveProperty([name])
      expect(text).not.toMatch(/"#\/(definitions|\$defs)\/|"x-kubernetes-quantity"|"\$schema":"|__schema/)
    }
  })

  test('it can be made ahead, and stops when told to', async () => {
    const stop = new AbortController()
    stop.abort()
    await documents({ kinds: kindTable(kinds) }).prepare(stop.signal)
    await expect(prepare(new AbortController().signal)).resolves.toBeUndefined()
  })
})

test('the best version of a group comes first', () => {
  const versions = ['v1beta1', 'foo', 'v2', 'v10', 'v1', 'v2alpha1', 'v2beta2', 'v11alpha2', 'bar']
  expect(versions.sort(compareVersions)).toEqual(['v10', 'v2', 'v1', 'v2beta2', 'v1beta1', 'v11alpha2', 'v2alpha1', 'bar', 'foo'])
})

describe('kinds that come and go', () => {
  const thing = defineKind({
    ...{ group: 'example.com', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true },
    description: 'A thing.',
    fields: () => ({
      spec: z
        .object({ size: z.int32().describe('How big.') })
        .optional()
        .describe('What is wanted.'),
    }),
  })
  const table = kindTable(kinds)
  const papers = documents({ kinds: table })
  const hashOf = (path: string) => {
    const { paths } = papers.at('/openapi/v3') as { paths: Record<string, { serverRelativeURL: string } | undefined> }
    return paths[path]?.serverRelativeURL
  }

  test('are in discovery and in both OpenAPI documents, and no longer when they are gone', () => {
    const before = { swagger: papers.at('/openapi/v2'), apps: hashOf('apis/apps/v1'), group: papers.at('/apis') }
    expect(() => papers.at('/apis/example.com/v1')).toThrow('could not find')
    table.serve('test', [thing])
    expect(papers.at('/apis/example.com/v1')).toMatchObject({ resources: [{ name: 'things', kind: 'Thing' }] })
    expect(hashOf('apis/example.com/v1')).toMatch(/hash=/)
    const { definitions, paths } = papers.at('/openapi/v2') as Swagger
    expect(definitions['io.k8s.api.example.v1.Thing']).toMatchObject({
      'x-kubernetes-group-version-kind': [{ group: 'example.com', version: 'v1', kind: 'Thing' }],
    })
    expect(paths['/apis/example.com/v1/namespaces/{namespace}/things/{name}']).toHaveProperty('patch')
    // What did not change keeps its address, so that clients keep what they have.
    expect(hashOf('apis/apps/v1')).toBe(before.apps)
    table.serve('test', [])
    expect(() => papers.at('/apis/example.com/v1')).toThrow('could not find')
    expect(hashOf('apis/example.com/v1')).toBeUndefined()
    expect(papers.at('/apis')).toEqual(before.group)
  })
})
