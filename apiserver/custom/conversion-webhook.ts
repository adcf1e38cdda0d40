import type { ConversionClient, Definition } from '../../api/apiextensions/definition.ts'
import { ApiError } from '../../api/errors.ts'
import type { KubeObject } from '../../api/transport.ts'
import { copy } from '../../lib/json.ts'
import type { Random } from '../../lib/random.ts'

/** Converts objects to another version. Throws an ApiError when that cannot be done. */
export type ConvertElsewhere = (objects: readonly KubeObject[], apiVersion: string) => Promise<readonly KubeObject[]>

/** Sends JSON to a webhook and answers what it says, decoded; throws what went wrong. */
export type PostJson = (client: ConversionClient, body: unknown) => Promise<unknown>

interface Review {
  readonly apiVersion?: string
  readonly kind?: string
  readonly response?: {
    readonly uid?: string
    readonly convertedObjects?: readonly KubeObject[]
    readonly result?: { readonly status?: string; readonly message?: string }
  }
}

interface Options {
  readonly definition: Definition
  readonly post: PostJson
  readonly random: Random
}

/** A definition's conversion webhook (k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go). */
export function conversionWebhook({ definition, post, random }: Options): ConvertElsewhere | undefined {
  const { strategy, webhook } = definition.spec.conversion ?? {}
  const client = webhook?.clientConfig
  if (strategy !== 'Webhook' || !client) return undefined
  const version = webhook.conversionReviewVersions?.find(name => name === 'v1' || name === 'v1beta1')

  return async (objects, desiredAPIVersion) => {
    const [first] = objects
    const [group, from] = (first?.apiVersion ?? '').split('/')
    const subject = `conversion webhook for ${group}/${from}, Kind=${first?.kind}`
    if (version === undefined) throw failure('no supported conversion review versions')
    const uid = random.uuid()
    const review = {
      kind: 'ConversionReview',
      apiVersion: `apiextensions.k8s.io/${version}`,
      request: { uid, desiredAPIVersion, objects },
    }
    const answer = (await post(client, review).catch(error => {
      throw failure(`${subject} failed: ${error instanceof Error ? error.message : String(error)}`)
    })) as Review
    const fault = faultOf(answer, version, uid)
    if (fault !== undefined) throw failure(`${subject} failed: ${fault}`)
    const converted = answer.response?.convertedObjects ?? []
    if (converted.length !== objects.length) {
      throw failure(`${subject} returned ${converted.length} objects, expected ${objects.length}`)
    }
    return objects.map((object, i) => {
      const result = checked(object, converted[i], desiredAPIVersion)
      if (typeof result !== 'string') return result
      throw failure(`${subject} returned invalid ${objects.length > 1 ? `converted object at index ${i}` : 'object'}: ${result}`)
    })
  }
}

function faultOf({ apiVersion, kind, response }: Review, version: string, uid: string): string | undefined {
  const expected = `apiextensions.k8s.io/${version}`
  if (version === 'v1' && (apiVersion !== expected || kind !== 'ConversionReview')) {
    return `expected webhook response of ${expected}, Kind=ConversionReview, got ${apiVersion ?? ''}, Kind=${kind ?? ''}`
  }
  if (!response) return 'no response provided'
  if (version === 'v1' && response.uid !== uid) {
    return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`
  }
  const { status = '', message } = response.result ?? {}
  if (status === 'Success') return undefined
  return message || `response.result.status was '${status}', not 'Success'`
}

/** The converted object with the metadata of the original, of which only labels and annotations may have changed; or what is wrong. */
function checked(original: KubeObject, converted: KubeObject | undefined, apiVersion: string): KubeObject | string {
  if (converted?.apiVersion !== apiVersion) {
    return `invalid groupVersion (expected ${apiVersion}, received ${converted?.apiVersion ?? ''})`
  }
  if (converted.kind !== original.kind) return `invalid kind (expected ${original.kind}, received ${converted.kind})`
  const { metadata } = converted
  if (!metadata) return 'missing metadata in converted object'
  for (const [field, word] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const [before = '', after = ''] = [original.metadata[field], metadata[field]]
    if (before !== after) return `must have the same ${word}: ${before} != ${after}`
  }
  const { labels: _labels, annotations: _annotations, ...kept } = copy(original.metadata)
  const { labels, annotations } = metadata
  return { ...converted, metadata: { ...kept, ...(labels && { labels }), ...(annotations && { annotations }) } }
}

/** Upstream gives no reason here. */
function failure(message: string): ApiError {
  const error = new ApiError('InternalError', message)
  delete error.status.reason
  return error
}
