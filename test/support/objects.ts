import type { Written } from './manifests.ts'

const image = 'busybox:1.36'

interface PodOptions {
  readonly labels?: Record<string, string>
  readonly annotations?: Record<string, string>
  readonly cpu?: string
  readonly command?: readonly string[]
  readonly image?: string
  /** More of the pod's spec. */
  readonly spec?: Record<string, unknown>
}

const podSpec = ({ cpu, command = ['sleep', '1000000'], spec, ...options }: PodOptions) => ({
  terminationGracePeriodSeconds: 1,
  containers: [{ name: 'app', image: options.image ?? image, command, ...(cpu && { resources: { requests: { cpu } } }) }],
  ...spec,
})

/** A pod of one container that sleeps. */
export function podNamed(name: string, options: PodOptions = {}): Written {
  const { labels = { app: name }, annotations = {} } = options
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels, annotations }, spec: podSpec(options) }
}

/** A Deployment of such pods, labelled `app=<name>`. */
export function deploymentNamed(
  name: string,
  replicas: number,
  { more = {}, ...options }: PodOptions & { more?: Record<string, unknown> } = {},
): Written {
  const labels = { app: name }
  const { annotations = {} } = options
  const template = { metadata: { labels, annotations }, spec: podSpec(options) }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: { replicas, selector: { matchLabels: labels }, template, ...more },
  }
}
