import type { Pod } from '../../api/core/pod.ts'
import { milliValue, value } from '../../api/quantity.ts'
import type { Page } from './page.ts'

type Container = Pod['spec']['containers'][number]
type Variable = NonNullable<Container['env']>[number]

/** Environment variables, and where those that are taken from elsewhere come from. Without a pod, nothing is looked up. */
export function environment(page: Page, container: Container, pod: Pod | undefined): void {
  if (container.envFrom?.length) environmentFrom(page, container)
  const variables = container.env ?? []
  page.line(2, `Environment:${variables.length === 0 ? '\t<none>' : ''}`)
  for (const variable of variables) {
    for (const text of variableLines(variable, container, pod)) page.line(3, text)
  }
}

function variableLines({ name, value: text = '', valueFrom }: Variable, container: Container, pod: Pod | undefined): string[] {
  if (!valueFrom) return text.split('\n').map((line, i) => (i === 0 ? `${name}:\t${line}` : `\t${line}`))
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom
  if (fieldRef) {
    return [`${name}:\t${pod ? fieldValue(pod, fieldRef.fieldPath) : ''} (${fieldRef.apiVersion}:${fieldRef.fieldPath})`]
  }
  if (resourceFieldRef) {
    const { resource, divisor } = resourceFieldRef
    return [`${name}:\t${resourceValue(container, resource, divisor)} (${resource})`]
  }
  if (secretKeyRef) {
    const { key, name: secret, optional = false } = secretKeyRef
    return [`${name}:\t<set to the key '${key}' in secret '${secret}'>\tOptional: ${optional}`]
  }
  if (configMapKeyRef) {
    const { key, name: map, optional = false } = configMapKeyRef
    return [`${name}:\t<set to the key '${key}' of config map '${map}'>\tOptional: ${optional}`]
  }
  return []
}

function environmentFrom(page: Page, { envFrom = [] }: Container): void {
  page.line(2, 'Environment Variables from:')
  for (const { prefix, configMapRef, secretRef } of envFrom) {
    const from = configMapRef ?? secretRef
    const kind = configMapRef ? 'ConfigMap' : 'Secret'
    page.line(3, `${from?.name ?? ''}\t${kind}${prefix ? ` with prefix '${prefix}'` : ''}\tOptional: ${from?.optional ?? false}`)
  }
}

/** What the downward API says for a path; empty for one it does not know. */
function fieldValue({ metadata, spec, status }: Pod, path: string): string {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (keyed) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? ''
  const values: Record<string, string | undefined> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.hostIP': status.hostIP,
    'status.podIP': status.podIP,
    'status.podIPs': status.podIPs?.map(({ ip }) => ip).join(','),
  }
  return values[path] ?? ''
}

function resourceValue({ resources }: Container, resource: string, divisor: string | undefined): string {
  const [kind = '', name = ''] = resource.split(/\.(.*)/)
  const quantity = (kind === 'limits' ? resources?.limits : resources?.requests)?.[name] ?? '0'
  const by = divisor && divisor !== '0' ? divisor : '1'
  const amount = name === 'cpu' ? milliValue(quantity) / milliValue(by) : value(quantity) / value(by)
  const isUnset = Math.ceil(amount) === 0
  return isUnset && (resource === 'limits.cpu' || resource === 'limits.memory') ? 'node allocatable' : String(Math.ceil(amount))
}
