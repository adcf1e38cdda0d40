import type { Deployment } from '../../api/apps/deployment.ts'
import { containers } from './containers.ts'
import type { Page } from './page.ts'
import { annotations, lines, pairs, tolerations } from './parts.ts'
import { spreadConstraints } from './pod.ts'
import { volumes } from './volumes.ts'

/** What the pods of a workload look like. */
export function podTemplate(page: Page, { metadata, spec }: Deployment['spec']['template']): void {
  page.line(0, 'Pod Template:')
  lines(page, '  Labels', pairs(metadata?.labels))
  if (Object.keys(metadata?.annotations ?? {}).length > 0) annotations(page, metadata?.annotations, '  Annotations')
  if (spec.serviceAccountName) page.line(1, `Service Account:\t${spec.serviceAccountName}`)
  if (spec.initContainers?.length) containers(page, 'Init Containers', spec.initContainers, {})
  containers(page, 'Containers', spec.containers, {})
  volumes(page, spec.volumes, '  ')
  spreadConstraints(page, spec.topologySpreadConstraints, '  ')
  if (spec.priorityClassName) page.line(1, `Priority Class Name:\t${spec.priorityClassName}`)
  lines(page, '  Node-Selectors', pairs(spec.nodeSelector))
  tolerations(page, spec.tolerations, '  Tolerations')
}
