import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kinds } from '../../api/kinds.ts'
import { applyJsonPatch } from '../../apiserver/patch/json.ts'
import { mergePatch } from '../../apiserver/patch/merge.ts'
import { strategicMerge } from '../../apiserver/patch/strategic.ts'
import { systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { randomPatches } from '../support/random-patch.ts'
import { kubectlBinaries } from './kubectl/binaries.ts'

/** `PATCH_SEED` to see a run again. */
const seed = Number(process.env.PATCH_SEED ?? systemClock.now() % 1_000_000)
const [binary] = kubectlBinaries().slice(-1)
const objectsPerPatch = 60

type Json = Record<string, unknown>
type PatchType = 'strategic' | 'merge' | 'json'

let folder: string

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'wherry-patches-'))))
afterAll(() => rm(folder, { recursive: true }))

/** What the real kubectl makes of objects, with no server at hand. */
async function byKubectl(type: PatchType, objects: readonly Json[], patch: unknown): Promise<Json[]> {
  const file = join(folder, 'objects.json')
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))
  await writeFile(join(folder, 'patch.json'), JSON.stringify(patch))
  const words = ['patch', '--local', '-f', file, `--type=${type}`, `--patch-file=${join(folder, 'patch.json')}`, '-o', 'json']
  const text = await new Promise<string>((resolve, reject) => {
    const options = { env: { KUBECONFIG: '/dev/null' }, maxBuffer: 2 ** 26 }
    execFile(binary?.path ?? '', words, options, (error, out, err) => (error ? reject(new Error(err)) : resolve(out)))
  })
  // One document after the other.
  return text.split(/\n(?=\{$)/m).map(each => JSON.parse(each) as Json)
}

function byUs(type: PatchType, object: Json, patch: unknown): Json {
  if (type === 'merge') return mergePatch(object, patch as Json) as Json
  if (type === 'json') return applyJsonPatch(object, patch as never) as Json
  const kind = kinds.find(each => each.kind === object.kind && !each.storedAs)
  if (!kind) throw new Error(`no such kind: ${String(object.kind)}`)
  return strategicMerge(kind, object, patch as Json) as Json
}

test.each<[PatchType, number]>([
  ['strategic', 70],
  ['merge', 10],
  ['json', 10],
])(
  `%s merges are those of kubectl ${binary?.version} (seed ${seed})`,
  async (type, patches) => {
    const random = randomPatches(seededRandom(seed))
    let compared = 0
    for (let n = 0; n < patches; n++) {
      const kind = random.kind()
      const patch = type === 'strategic' ? random.strategic(kind) : type === 'merge' ? random.merge(kind) : random.json()
      const objects = Array.from({ length: objectsPerPatch }, () => random.object(kind))
      const expected = await byKubectl(type, objects, patch)
      expect(expected).toHaveLength(objectsPerPatch)
      expected.forEach((result, at) =>
        expect(byUs(type, objects[at] ?? {}, patch), JSON.stringify({ object: objects[at], patch })).toEqual(result),
      )
      compared += objectsPerPatch
    }
    expect(compared).toBe(patches * objectsPerPatch)
  },
  120_000,
)
