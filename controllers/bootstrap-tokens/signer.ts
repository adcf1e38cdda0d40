import {
  type BootstrapToken,
  bootstrapTokenName,
  bootstrapTokenType,
  clusterInfo,
  clusterInfoKey,
  detachedSignature,
  signaturePrefix,
  tokenExpiry,
  tokenField,
} from '../../api/bootstrap-tokens.ts'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Secret } from '../../api/core/secret.ts'
import { ignore } from '../../api/errors.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { copy, deepEqual } from '../../lib/json.ts'

const key = `${clusterInfo.namespace}/${clusterInfo.name}`

/** The token of a Secret, if it is one that signs (pkg/controller/bootstrap/util.go). */
export function signingToken(secret: Secret, now: number): BootstrapToken | undefined {
  if (secret.type !== bootstrapTokenType) return undefined
  const [id, password] = [tokenField(secret, 'token-id'), tokenField(secret, 'token-secret')]
  const isGood = id && password && secret.metadata.name === bootstrapTokenName(id)
  const isOver = (tokenExpiry(secret) ?? Number.POSITIVE_INFINITY) <= now
  return isGood && !isOver && tokenField(secret, 'usage-bootstrap-signing') === 'true' ? { id, secret: password } : undefined
}

/** What cluster-info holds when every token has signed it, and nobody else has; undefined: there is nothing to sign. */
export function signedData(
  data: Readonly<Record<string, string>>,
  tokens: readonly BootstrapToken[],
): Record<string, string> | undefined {
  const content = data[clusterInfoKey]
  if (content === undefined) return undefined
  const others = Object.entries(data).filter(([name]) => !name.startsWith(signaturePrefix))
  const signatures = tokens.map(token => [signaturePrefix + token.id, detachedSignature(content, token)] as const)
  return Object.fromEntries([...others, ...signatures])
}

/** Signs the cluster's address and authority with every bootstrap token, so that who has a token can trust what he reads. */
export const bootstrapSigner: Controller = {
  name: 'bootstrapsigner',
  watches: [
    on(ConfigMap, ({ object: { metadata } }) =>
      metadata.name === clusterInfo.name && metadata.namespace === clusterInfo.namespace ? [key] : [],
    ),
    on(Secret, ({ object, previous }) => (isToken(object as Secret) || (previous && isToken(previous as Secret)) ? [key] : [])),
  ],
  writes: [ConfigMap],

  async reconcile({ client, lister, clock }) {
    const info = lister(ConfigMap).get(key)
    if (!info) return
    const now = clock.now()
    const tokens = lister(Secret)
      .list('kube-system')
      .flatMap(secret => signingToken(secret, now) ?? [])
    const data = signedData(info.data ?? {}, tokens)
    if (!data || deepEqual(data, info.data)) return
    const note = { rule: 'bootstrapsigner/sign', text: `signed by ${tokens.length} tokens` }
    await client.update(ConfigMap, { ...copy(info), data }, { note }).catch(ignore('NotFound'))
  },
}

const isToken = ({ type, metadata }: Secret) => type === bootstrapTokenType && metadata.namespace === 'kube-system'
