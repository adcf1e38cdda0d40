import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isReason } from '../../api/errors.ts'
import { apiVersionOf } from '../../api/kind.ts'
import { kinds } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Client } from '../../client/client.ts'
import { readManifest } from '../../kubectl/manifest.ts'

/** The folder of files that people apply. */
export const manifestsDir = join(import.meta.dirname, '../../manifests')

/** An object as a person writes it down. */
export interface Written {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Partial<KubeObject['metadata']> & { readonly name: string }
  readonly [field: string]: unknown
}

/** The objects of one of the files in manifests/. */
export async function manifest(name: string): Promise<Written[]> {
  const text = await readFile(join(manifestsDir, name), 'utf8')
  return readManifest(text, name).map(({ value }) => value as unknown as Written)
}

/** Creates what is not there and merges the rest into what is; without a namespace it is `default`. */
export async function applyObjects(client: Client, objects: readonly Written[]): Promise<KubeObject[]> {
  const applied: KubeObject[] = []
  for (const object of objects) {
    const kind = kinds.find(each => each.kind === object.kind && apiVersionOf(each) === object.apiVersion)
    if (!kind) throw new Error(`no such kind: ${object.kind}`)
    const metadata = { ...object.metadata, ...(kind.namespaced && { namespace: object.metadata.namespace ?? 'default' }) }
    const ref = { name: metadata.name, namespace: metadata.namespace }
    try {
      applied.push((await client.create(kind, { ...object, metadata } as never)) as KubeObject)
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error
      applied.push((await client.patch(kind, ref, 'strategic', { ...object, metadata })) as KubeObject)
    }
  }
  return applied
}
