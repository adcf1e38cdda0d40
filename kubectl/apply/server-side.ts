import { isReason } from '../../api/errors.ts'
import type { CallOptions, KubeObject } from '../../api/transport.ts'
import { ManifestError } from '../manifest.ts'
import { callOf } from '../objects.ts'
import { apiVersionOf } from '../resources.ts'
import type { Session } from '../session.ts'
import { fetchTarget, type Target } from '../targets.ts'
import { handedOver, ownersOf, owns } from './field-owners.ts'
import { lastApplied } from './last-applied.ts'

/** In whose name fields are applied unless somebody says otherwise. */
export const usualManager = 'kubectl'
/** Keeps the annotation of earlier applications, so that one may go back to them. */
const annotationKeeper = 'kubectl-last-applied'
const annotationPath = ['f:metadata', 'f:annotations', `f:${lastApplied}`]
const attempts = 5

const retried = 'This is non-fatal and will be retried next time you apply.'

const advice = `Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`

export interface ServerSideOptions {
  /** With the field manager, and `force` when conflicts are to be won. */
  readonly options: CallOptions
  readonly subresource?: string | undefined
  readonly warn: (text: string) => void
}

/**
 * Has the server bring an object to what is wanted. What `kubectl apply` set before without the server's help is handed over to this way of
 * applying, so that fields which the manifest has dropped go. Throws a ManifestError with advice when others own fields.
 */
export async function applyOnServer(
  session: Session,
  target: Target,
  wanted: Record<string, unknown>,
  { options, subresource, warn }: ServerSideOptions,
): Promise<KubeObject> {
  const { resource, namespace, name } = target
  const place = { namespace, name }
  const patched = async (body: unknown, more: CallOptions, patchType: 'apply' | 'json', part?: string) => {
    const at = { ...place, ...(part && { subresource: part }) }
    return (await session.transport.call(callOf('patch', resource, at, { body, patchType, options: more }))) as KubeObject
  }
  const { force, ...unforced } = options
  const applied = await patched(wanted, { ...options, force: force ?? false }, 'apply', subresource).catch(advise)
  let kept: KubeObject
  try {
    kept = await withKeptAnnotation(applied)
  } catch (error) {
    warn(`failed to migrate ${lastApplied} for Server-Side Apply. ${retried} Error: ${(error as Error).message}`)
    return applied
  }
  let migrated: KubeObject | undefined
  try {
    migrated = await migrate(kept)
  } catch (error) {
    warn(`server rejected managed fields migration to Server-Side Apply. ${retried} Error: ${(error as Error).message}`)
  }
  if (!migrated) return kept
  try {
    return await patched(wanted, { ...options, force: force ?? false }, 'apply')
  } catch (error) {
    warn(
      `failed to re-apply configuration after performing Server-Side Apply migration. ${retried} Error: ${(error as Error).message}`,
    )
    return migrated
  }

  /** The annotation of earlier applications gets an owner of its own: nobody's manifest has it, and it would go. */
  async function withKeptAnnotation(object: KubeObject): Promise<KubeObject> {
    const text = object.metadata.annotations?.[lastApplied]
    if (options.fieldManager !== usualManager || text === undefined) return object
    if (ownersOf(object)?.some(owner => owner.operation === 'Apply' && owns(owner, annotationPath))) return object
    const { kind } = resource
    const metadata = { name, ...(namespace !== undefined && { namespace }), annotations: { [lastApplied]: text } }
    const body = { apiVersion: apiVersionOf(resource), kind, metadata }
    return patched(body, { ...unforced, fieldManager: annotationKeeper }, 'apply')
  }

  /** Hands over to us what those set who wrote the annotation; undefined when there is nothing to hand over. */
  async function migrate(object: KubeObject): Promise<KubeObject | undefined> {
    const earlier = (ownersOf(object) ?? []).filter(owner => owner.operation === 'Update' && owns(owner, annotationPath))
    const names = new Set(earlier.map(({ manager = '' }) => manager))
    for (let attempt = 1, current = object; ; attempt++) {
      const owners = ownersOf(current) ?? []
      const after = [...names].reduce((list, from) => handedOver(list, from, options.fieldManager ?? usualManager), owners)
      if (after === owners) return undefined
      const body = [
        { op: 'replace', path: '/metadata/managedFields', value: after },
        { op: 'replace', path: '/metadata/resourceVersion', value: current.metadata.resourceVersion },
      ]
      try {
        return await patched(body, unforced, 'json')
      } catch (error) {
        if (!isReason(error, 'Conflict') || attempt >= attempts) throw error
        current = await fetchTarget(session, target)
      }
    }
  }
}

/** A conflict with other owners, with kubectl's advice. */
function advise(error: unknown): never {
  if (!isReason(error, 'Conflict')) throw error
  throw new ManifestError(`${(error as Error).message}\n${advice}`)
}
