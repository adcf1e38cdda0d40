import { expect, test } from 'vitest'
import type { Node } from '../../api/core/node.ts'
import { newestNode } from './newest-node.ts'

const node = (resourceVersion: string, pods: string | undefined = '110') =>
  ({ metadata: { resourceVersion }, status: { ...(pods && { allocatable: { pods } }) } }) as unknown as Node
const [old, young, drafted] = [node('5'), node('12'), node('0')]
const empty = node('20', '')

test.each<[string, Parameters<typeof newestNode>[0], Node | undefined]>([
  ['nothing is known', { seen: undefined, posted: undefined, drafted: undefined }, undefined],
  ['the watch is behind', { seen: old, posted: young, drafted: undefined }, young],
  ['somebody else has written', { seen: young, posted: old, drafted: undefined }, young],
  ['only the watch knows', { seen: young, posted: undefined, drafted }, young],
  ['no status has been posted yet, and there is a draft', { seen: empty, posted: undefined, drafted }, drafted],
  ['no status has been posted yet, and there is none', { seen: empty, posted: undefined, drafted: undefined }, empty],
])('%s', (_title, known, expected) => expect(newestNode(known)).toBe(expected))
