import { Pod } from '../../api/core/pod.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import { forbiddenError } from '../../api/errors.ts'
import type { Draft } from '../../api/kind.ts'
import type { AdmissionContext, AdmissionStep, Attempt } from '../admission.ts'

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const volumePrefix = 'kube-api-access-'
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** How long the account that the controller is about to make is waited for, and how often it is looked for. */
const attempts = 10
const waitInMs = 100

/** Gives pods a service account and a token of it (semantics B15; k8s.io/kubernetes/plugin/pkg/admission/serviceaccount). */
export const serviceAccount: AdmissionStep = {
  name: 'ServiceAccount',
  kinds: [Pod],
  operations: ['CREATE'],
  admit(attempt, context) {
    const { spec, metadata } = attempt.object as unknown as Draft<Pod>
    if (metadata.annotations?.[mirrorAnnotation] !== undefined) return undefined
    spec.serviceAccountName ||= 'default'
    spec.serviceAccount = spec.serviceAccountName
    const { namespace = '' } = attempt
    const account = context.access.atHand(ServiceAccount, namespace, spec.serviceAccountName) as ServiceAccount | undefined
    if (account) return use(account, attempt, context)
    return find(context, namespace, spec.serviceAccountName).then(found => use(found, attempt, context))
  },
}

function use(account: ServiceAccount | undefined, { kind, namespace = '', object }: Attempt, context: AdmissionContext): void {
  const { spec, metadata } = object as unknown as Draft<Pod>
  if (!account) {
    const { serviceAccountName: name } = spec
    const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`
    throw forbiddenError(kind, metadata.name, why)
  }
  const automounts = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true
  if (automounts && context.projectsTokens) mountToken(spec, () => volumePrefix + context.random.suffix(5))
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
    spec.imagePullSecrets = account.imagePullSecrets.map(secret => ({ ...secret }))
  }
}

/** Only the default account is waited for: every new namespace gets one, a moment later. */
async function find({ access, clock }: AdmissionContext, namespace: string, name: string): Promise<ServiceAccount | undefined> {
  for (let attempt = 1; ; attempt++) {
    const found = (await access.get(ServiceAccount, namespace, name)) as ServiceAccount | undefined
    if (found || name !== 'default' || attempt === attempts) return found
    await clock.sleep(waitInMs)
  }
}

type Spec = Draft<Pod>['spec']

function mountToken(spec: Spec, newName: () => string): void {
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  const lacking = containers.filter(({ volumeMounts = [] }) => !volumeMounts.some(mount => mount.mountPath === mountPath))
  if (lacking.length === 0) return
  const present = spec.volumes?.find(({ name }) => name.startsWith(volumePrefix))
  const name = present?.name ?? newName()
  for (const container of lacking) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }]
  }
  if (!present) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

/** A token that is good for an hour and a few seconds, the cluster's CA and the pod's namespace. */
function tokenVolume(name: string): NonNullable<Spec['volumes']>[number] {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  }
}
