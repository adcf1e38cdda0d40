import type { Random } from '../../lib/random.ts'
import { applies, bodies, deletes, patches, typed, yaml } from './malformed/bodies.ts'
import { customResources, extensions } from './malformed/custom.ts'
import {
  brokenOff,
  deserted,
  framing,
  listQueries,
  methods,
  negotiation,
  noTls,
  paths,
  pipelines,
  queries,
  writeQueries,
} from './malformed/http.ts'
import { nonsense, type Sample, spoiledObjects, spoiledStatuses, wrongTypes } from './malformed/kinds.ts'
import { damagedProtobuf, protobuf } from './malformed/protobuf.ts'
import { bytesOf, type Family, type Malformed, pick } from './malformed/request.ts'
import { streams, subresources } from './malformed/subresources.ts'
import { spdy, upgrades, webSockets } from './malformed/upgrades.ts'

/** How often each way of being wrong is chosen, beside the others. */
const families: readonly (readonly [Family, number])[] = [
  [paths, 2],
  [queries, 2],
  [listQueries, 2],
  [writeQueries, 1],
  [negotiation, 3],
  [methods, 1],
  [framing, 2],
  [pipelines, 1],
  [brokenOff, 1],
  [deserted, 1],
  [noTls, 1],
  [bodies, 3],
  [typed, 1],
  [yaml, 2],
  [protobuf, 2],
  [damagedProtobuf, 4],
  [wrongTypes, 8],
  [nonsense, 8],
  [patches, 3],
  [applies, 1],
  [deletes, 1],
  [customResources, 3],
  [extensions, 4],
  [subresources, 3],
  [streams, 2],
  [upgrades, 1],
  [spdy, 1],
  [webSockets, 1],
]

/** Makes one malformed request after the other. `samples` are objects in order, to be spoiled. */
export function malformedRequests(random: Random, samples: readonly Sample[]): () => Malformed {
  const all = [...families, [spoiledObjects(samples), 8], [spoiledStatuses(samples), 2]] as const
  const drawn = all.flatMap(([family, times]) => Array.from({ length: times }, () => family))
  return () => {
    const made = pick(random, drawn)(random)
    if ('bytes' in made) return made
    const { method: _method, path: _path, headers: _headers, body: _body, ...about } = made
    return { ...about, bytes: bytesOf(made) }
  }
}
