import type { Controller } from '../client/controller.ts'
import { UsageError } from './flags.ts'

/** What upstream calls controllers (cmd/kube-controller-manager/names) whose names here are not just theirs without `-controller`. */
const upstreamNames: Readonly<Record<string, string>> = {
  'service-account': 'serviceaccount-controller',
  'pod-gc': 'pod-garbage-collector-controller',
  'resource-quota': 'resourcequota-controller',
  csrapproving: 'certificatesigningrequest-approving-controller',
  csrsigning: 'certificatesigningrequest-signing-controller',
  csrcleaner: 'certificatesigningrequest-cleaner-controller',
  bootstrapsigner: 'bootstrap-signer-controller',
  tokencleaner: 'token-cleaner-controller',
  'job-orphans': 'job-controller',
  'node-taints': 'node-lifecycle-controller',
  'claim-binder': 'persistentvolume-binder-controller',
  'volume-binder': 'persistentvolume-binder-controller',
  attachdetach: 'persistentvolume-attach-detach-controller',
  'volume-expand': 'persistentvolume-expander-controller',
  'pvc-protection': 'persistentvolumeclaim-protection-controller',
  'pv-protection': 'persistentvolume-protection-controller',
}

/** Other names that upstream takes still (the aliases of its descriptors), where they are not the own names above. */
const aliases: Readonly<Record<string, string>> = {
  endpoint: 'endpoints-controller',
  endpointslicemirroring: 'endpointslice-mirroring-controller',
  garbagecollector: 'garbage-collector-controller',
  horizontalpodautoscaling: 'horizontal-pod-autoscaler-controller',
  nodeipam: 'node-ipam-controller',
  nodelifecycle: 'node-lifecycle-controller',
  'persistentvolume-binder': 'persistentvolume-binder-controller',
  'persistentvolume-expander': 'persistentvolume-expander-controller',
  podgc: 'pod-garbage-collector-controller',
  resourcequota: 'resourcequota-controller',
  'root-ca-cert-publisher': 'root-ca-certificate-publisher-controller',
  serviceaccount: 'serviceaccount-controller',
}

/** What `--controllers` calls a controller: upstream's name where there is one. Parts of one of upstream's share its name. */
export function publicName({ name }: Pick<Controller, 'name'>): string {
  return upstreamNames[name] ?? (name.endsWith('-controller') ? name : `${name}-controller`)
}

/** What `--controllers` may name, sorted. */
export function knownNames(all: readonly Pick<Controller, 'name'>[]): string[] {
  return [...new Set(all.map(publicName))].sort()
}

/**
 * Those of the controllers that a list wants: `*` all of them, `foo` the one named so, `-foo` not that one; who comes first is right
 * (IsControllerEnabled in k8s.io/controller-manager/app/helper.go). Throws a UsageError about a name that nobody has.
 */
export function enabledControllers<Named extends Pick<Controller, 'name'>>(
  all: readonly Named[],
  list: readonly string[],
): readonly Named[] {
  const known = knownNames(all)
  const wanted = list.map(entry => {
    if (entry === '*') return { name: '*', isOn: true }
    const given = entry.replace(/^-/, '')
    const name = [given, aliases[given], publicName({ name: given })].find(each => each !== undefined && known.includes(each))
    if (name === undefined)
      throw new UsageError(`--controllers: "${given}" is not in the list of known controllers: ${known.join(', ')}`)
    return { name, isOn: entry === given }
  })
  const isOn = (name: string) => wanted.find(entry => entry.name === name)?.isOn ?? wanted.some(entry => entry.name === '*')
  return all.filter(controller => isOn(publicName(controller)))
}
