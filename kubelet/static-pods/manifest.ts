import { createHash } from 'node:crypto'
import type { Tags } from 'yaml'
import { Pod } from '../../api/core/pod.ts'
import { referredTo } from '../../api/core/pod-references.ts'
import { tryDecode } from '../../api/decode.ts'
import type { Draft } from '../../api/kind.ts'
import { timestamp } from '../../lib/clock.ts'
import { canonicalJson, deepFreeze } from '../../lib/json.ts'
import { sourceAnnotations } from '../pod-types.ts'

export interface ManifestOrigin {
  readonly nodeName: string
  /** Path of the file. */
  readonly path: string
  /** When it was seen. */
  readonly now: number
}

/** No file may be larger (pkg/kubelet/config/common.go maxConfigLength). */
export const largestManifestInBytes = 10 * 2 ** 20

/**
 * The pod that a file of YAML or JSON describes, as the kubelet runs it: defaults filled in, named after the node, bound to it, with a
 * uid that changes when the file does, and not to be chased away by NoExecute taints (semantics C17, pkg/kubelet/config/common.go).
 * Throws an Error that says what is wrong with it.
 */
export async function readStaticPod(text: string, { nodeName, path, now }: ManifestOrigin): Promise<Pod> {
  const value = await parseYaml(text)
  const { apiVersion, kind } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown }
  if (apiVersion !== 'v1' || kind !== 'Pod') {
    throw new Error(`couldn't parse as pod(no v1 Pod but ${String(apiVersion)} ${String(kind)}), please check config file`)
  }
  const decoded = tryDecode(Pod, value, true)
  if (!decoded.ok) throw new Error(`couldn't parse as pod(${decoded.error}), please check config file`)
  const pod = decoded.object
  Pod.default(pod)
  if (!pod.metadata.name) throw new Error('invalid pod: name is needed for the pod')
  makeOwn(pod, { nodeName, path, now })
  const errors = Pod.validate(pod as Pod)
  if (errors.length > 0)
    throw new Error(`invalid pod: [${errors.map(({ field, message }) => `${field}: ${message}`).join(', ')}]`)
  const resource = referredTo(pod.spec)
  if (resource !== undefined) throw new Error(`static pods may not reference ${resource}`)
  return deepFreeze(pod as Pod)
}

function makeOwn(pod: Draft<Pod>, { nodeName, path, now }: ManifestOrigin): void {
  const { metadata, spec } = pod
  metadata.uid ||= createHash('sha256')
    .update(`${canonicalJson({ metadata, spec })}host:${nodeName}file:${path}`)
    .digest('hex')
    .slice(0, 32)
  metadata.name = `${metadata.name}-${nodeName.toLowerCase()}`
  metadata.namespace ||= 'default'
  metadata.resourceVersion = ''
  metadata.creationTimestamp = timestamp(now)
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  spec.nodeName = nodeName
  metadata.annotations = {
    ...metadata.annotations,
    [sourceAnnotations.hash]: metadata.uid,
    [sourceAnnotations.source]: 'file',
    [sourceAnnotations.seen]: timestamp(now),
  }
  delete metadata.annotations[sourceAnnotations.mirror]
  const isMine = ({ key, operator, effect }: { key?: string; operator?: string; effect?: string }) =>
    !key && operator === 'Exists' && effect === 'NoExecute'
  spec.tolerations = [...(spec.tolerations ?? []).filter(one => !isMine(one)), { operator: 'Exists', effect: 'NoExecute' }]
  Pod.prepareForCreate(pod)
}

/** The YAML that Kubernetes reads is that of 1.1 without timestamps, binaries and numbers to base 60. Only read where such files are. */
async function parseYaml(text: string): Promise<unknown> {
  const { parseDocument } = await import('yaml')
  const odd = new Set(['timestamp', 'binary', 'set', 'omap', 'pairs', 'intTime', 'floatTime'])
  const isOdd = (tag: Tags[number]) =>
    odd.has((typeof tag === 'string' ? tag : tag.tag).replace('tag:yaml.org,2002:', '')) ||
    (typeof tag !== 'string' && 'format' in tag && tag.format === 'TIME')
  const customTags = (tags: Tags) => tags.filter(tag => !isOdd(tag))
  const document = parseDocument(text, { version: '1.1', merge: true, customTags, logLevel: 'error' })
  const [error] = document.errors
  if (error) throw new Error(`couldn't parse as pod(${error.message}), please check config file`)
  return document.toJS({ maxAliasCount: 100 })
}
