import { APIService } from '../api/apiregistration/api-service.ts'
import type { AnyKind } from '../api/kind.ts'
import type { Log } from '../lib/log.ts'
import type { Run } from '../lib/run.ts'
import type { Pipeline } from './pipeline.ts'
import type { Body, OwnObjects } from './standing-objects.ts'

interface Options {
  readonly pipeline: Pick<Pipeline, 'kinds'>
  readonly own: OwnObjects
  readonly log: Log
}

/** Where groups stand among groups (k8s.io/kubernetes/pkg/controlplane/apiserver/aggregator.go, cmd/kube-apiserver/app/aggregator.go). */
const groupPriorities: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'resource.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
}
/** Groups that nobody ranks: custom resources, metrics. */
const otherGroups = { groupPriorityMinimum: 1000, versionPriority: 100 }

const managed = 'kube-aggregator.kubernetes.io/automanaged'

/** Keeps an APIService for every version of every group that is served. */
export function apiServices({ pipeline: { kinds }, own, log }: Options): Run {
  async function sync(): Promise<void> {
    const wanted = kinds.all.map(apiServiceOf)
    await own.ensure(APIService, [...new Map(wanted.map(each => [each.metadata.name, each])).values()])
    const names = new Set(wanted.map(({ metadata }) => metadata.name))
    for (const { metadata } of await own.list(APIService)) {
      if (metadata.labels?.[managed] === 'true' && !names.has(metadata.name)) await own.remove(APIService, metadata.name)
    }
  }

  return async signal => {
    let wake = () => {}
    const stopListening = kinds.onChange(() => wake())
    signal.addEventListener('abort', () => wake(), { once: true })
    while (!signal.aborted) {
      const changed = new Promise<void>(resolve => {
        wake = resolve
      })
      await sync().catch((error: unknown) => {
        if (!signal.aborted) log.warn({ err: error }, 'API services are out of date')
      })
      if (!signal.aborted) await changed
    }
    stopListening()
  }
}

function apiServiceOf({ group, version, dynamic }: AnyKind): Body & { readonly spec: object } {
  const groupPriorityMinimum = groupPriorities[group]
  const priorities =
    groupPriorityMinimum === undefined ? otherGroups : { groupPriorityMinimum, versionPriority: versionPriority(group, version) }
  const metadata = { name: `${version}.${group}`, labels: { [managed]: dynamic ? 'true' : 'onstart' } }
  return { metadata, spec: { ...(group && { group }), version, ...priorities } }
}

/** The newer, the higher; what is not stable comes last. */
function versionPriority(group: string, version: string): number {
  if (group === '') return 1
  const [, major = '1', stage] = /^v(\d+)(alpha|beta)?/.exec(version) ?? []
  if (stage) return stage === 'beta' ? 9 : 1
  return 15 * Number(major)
}
