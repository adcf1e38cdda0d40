import { fromLabelSelector, type LabelSelectorObject, matchesLabels } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Access } from '../access.ts'
import type { KindTable } from '../kind-table.ts'
import { parseGroupVersion } from './group-version.ts'

/** Where parameters are found. */
export interface ParamSource {
  readonly access: Access
  readonly kinds: () => KindTable
}

interface ParamKind {
  readonly apiVersion?: string | undefined
  readonly kind?: string | undefined
}

interface ParamRef {
  readonly name?: string | undefined
  readonly namespace?: string | undefined
  readonly selector?: LabelSelectorObject | undefined
  readonly parameterNotFoundAction?: string | undefined
}

/**
 * The objects that a binding works with, undefined standing for no parameters. Throws an Error when the binding is wrong, or when
 * there are none and that means refusal (CollectParams in k8s.io/apiserver/pkg/admission/plugin/policy/generic).
 */
export async function paramsOf(
  paramKind: ParamKind | undefined,
  ref: ParamRef | undefined,
  requestNamespace: string | undefined,
  { access, kinds }: ParamSource,
): Promise<readonly (KubeObject | undefined)[]> {
  if (!paramKind) return [undefined]
  const { apiVersion = '', kind: kindName = '' } = paramKind
  const { group, version } = parseGroupVersion(apiVersion)
  const kind = kinds().byKind(group, version, kindName)
  if (!ref) return [undefined]
  if (!kind) throw new Error(`paramKind kind \`${apiVersion}, Kind=${kindName}\` not known`)
  if (!kind.namespaced && ref.namespace) {
    throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  }
  const namespace = kind.namespaced ? ref.namespace || requestNamespace : undefined
  if (kind.namespaced && !namespace) {
    throw new Error('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  }
  const found: KubeObject[] = []
  if (ref.name) {
    const object = await access.get(kind, namespace, ref.name)
    if (object) found.push(object)
  } else {
    const selector = fromLabelSelector(ref.selector)
    const all = namespace ? (await access.inNamespace(kind, namespace)).map(({ object }) => object) : await access.all(kind)
    found.push(...all.filter(({ metadata }) => matchesLabels(selector, metadata.labels)))
  }
  if (found.length === 0 && ref.parameterNotFoundAction === 'Deny') {
    throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction')
  }
  return found
}
