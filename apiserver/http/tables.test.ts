import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../api/transport.ts'
import { systemClock } from '../../lib/clock.ts'
import type { WatchFrame } from '../request.ts'
import type { TableMaker } from '../table.ts'
import type { Format } from './negotiation.ts'
import { type IncludeObject, transformer } from './tables.ts'

const columns = [{ name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }]
const maker: TableMaker = { columns, cells: ({ metadata }) => [metadata.name] }
const object = (name: string) =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, resourceVersion: '7' }, spec: {} }) as never as KubeObject
const frame = (type: 'ADDED' | 'DELETED', name: string) => ({ type, object: object(name), bytes: Buffer.alloc(0) }) as WatchFrame
const annotations = { 'k8s.io/initial-events-end': 'true' }
const bookmark = {
  type: 'BOOKMARK',
  object: { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: '9', annotations } },
  bytes: Buffer.alloc(0),
} as never as WatchFrame

/** What a watch makes of one event after the other. */
function events(format: Omit<Format, 'type'>, include: IncludeObject, ...frames: WatchFrame[]): unknown[] {
  const made = transformer({ format: { type: 'json', ...format }, maker, include, clock: systemClock })
  return frames.map(each => JSON.parse(Buffer.from(made?.event(each) ?? []).toString()))
}

const partial = (metadata: object, version = 'v1') => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata,
})
const table = (version: string, revision: string, columnDefinitions: unknown, row: object) => ({
  kind: 'Table',
  apiVersion: `meta.k8s.io/${version}`,
  metadata: { resourceVersion: revision },
  columnDefinitions,
  rows: [row],
})
const last = { resourceVersion: '9', annotations }

describe('a watch', () => {
  test.each(['v1', 'v1beta1'] as const)(
    'as tables of %s names its columns once, and ends the initial events by metadata',
    version => {
      expect(events({ as: 'Table', version }, 'Metadata', frame('ADDED', 'a'), frame('DELETED', 'b'), bookmark)).toEqual([
        table(version, '7', columns, { cells: ['a'], object: partial({ name: 'a', resourceVersion: '7' }, version) }),
        table(version, '7', null, { cells: ['b'], object: partial({ name: 'b', resourceVersion: '7' }, version) }),
        table(version, '9', null, { cells: [], object: partial(last, version) }),
      ])
    },
  )

  test('as tables brings the object along, or nothing at all, if that is wanted', () => {
    const as = { as: 'Table', version: 'v1' } as const
    expect(events(as, 'Object', frame('ADDED', 'a'))).toEqual([table('v1', '7', columns, { cells: ['a'], object: object('a') })])
    expect(events(as, 'None', frame('ADDED', 'a'), bookmark)).toEqual([
      table('v1', '7', columns, { cells: ['a'], object: null }),
      table('v1', '9', null, { cells: [], object: partial(last) }),
    ])
  })

  test('of metadata', () => {
    const as = { as: 'PartialObjectMetadata', version: 'v1' } as const
    expect(events(as, 'Metadata', frame('ADDED', 'a'), bookmark)).toEqual([
      partial({ name: 'a', resourceVersion: '7' }),
      partial(last),
    ])
  })
})

test('without a transformation there is no transformer', () => {
  expect(transformer({ format: { type: 'json' }, maker, include: 'Metadata', clock: systemClock })).toBeUndefined()
})
