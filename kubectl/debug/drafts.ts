import type { Pod } from '../../api/core/pod.ts'
import { type Draft, type Kept, withProfile } from './profiles.ts'

type Container = Pod['spec']['containers'][number]

/** What the command line says about the container to look with. */
export interface Tool {
  readonly name: string
  readonly image?: string | undefined
  readonly words: readonly string[]
  /** The words are the image's arguments, not a command of their own. */
  readonly areArguments: boolean
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly pullPolicy?: string | undefined
  readonly stdin: boolean
  readonly tty: boolean
  readonly profile: string
  readonly kept: Kept
}

function toolContainer({ name, image, words, areArguments, env, pullPolicy, stdin, tty }: Tool): Draft['container'] {
  return {
    name,
    ...(words.length > 0 && { [areArguments ? 'args' : 'command']: [...words] }),
    ...(env.length > 0 && { env: [...env] as Container['env'] }),
    ...(image && { image }),
    ...(pullPolicy && { imagePullPolicy: pullPolicy as NonNullable<Container['imagePullPolicy']> }),
    ...(stdin && { stdin }),
    terminationMessagePolicy: 'File',
    ...(tty && { tty }),
  }
}

/** The container to add to a running pod. */
export function ephemeralContainer(pod: Pod, tool: Tool, target: string | undefined): object {
  const draft: Draft = { metadata: { name: pod.metadata.name }, spec: {}, container: toolContainer(tool) }
  const { container } = withProfile(draft, tool.profile, 'ephemeral', tool.kept)
  return { ...container, ...(target && { targetContainerName: target }) }
}

/** A pod on a node that sees what the node sees. */
export function nodePod(nodeName: string, podName: string, tool: Tool): object {
  const spec = { nodeName, restartPolicy: 'Never', tolerations: [{ operator: 'Exists' }] } as unknown as Draft['spec']
  const draft = withProfile(
    { metadata: { name: podName }, spec, container: toolContainer(tool) },
    tool.profile,
    'node',
    tool.kept,
  )
  const { metadata, container } = draft
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...draft.spec, containers: [container] } }
}

export interface CopyOptions {
  readonly name: string
  /** By container; `*` is every other one. */
  readonly images: Readonly<Record<string, string>>
  readonly sameNode: boolean
  readonly shareProcesses: boolean | undefined
  /** Whether the tool is one of the pod's own containers, or is added; `none`: only images change. */
  readonly tool: Tool | undefined
}

/** A copy of a pod, with a container more, or one that is changed. */
export function podCopy(pod: Pod, { name, images, sameNode, shareProcesses, tool }: CopyOptions): object {
  const { ephemeralContainers: _, nodeName, ...spec } = pod.spec
  const { namespace, labels, annotations } = pod.metadata
  const metadata = {
    name,
    namespace,
    ...(labels && { labels: { ...labels } }),
    ...(annotations && { annotations: { ...annotations } }),
  }
  const containers = spec.containers.map(each => {
    const image = images[each.name] ?? images['*']
    return image ? { ...each, image } : each
  })
  const common = {
    ...spec,
    containers,
    ...(sameNode && nodeName && { nodeName }),
    ...(shareProcesses !== undefined && { shareProcessNamespace: shareProcesses }),
  }
  if (!tool) return { apiVersion: 'v1', kind: 'Pod', metadata, spec: common }
  const own = containers.find(each => each.name === tool.name)
  const made = toolContainer(tool)
  const draft: Draft = {
    metadata,
    spec: common,
    container: own ? changed(own, made, tool) : made,
  }
  const done = withProfile(draft, tool.profile, 'copy', tool.kept)
  const all = done.spec.containers ?? []
  const list = own ? all.map(each => (each.name === tool.name ? done.container : each)) : [...all, done.container]
  return { apiVersion: 'v1', kind: 'Pod', metadata: done.metadata, spec: { ...done.spec, containers: list } }
}

/** A container of the pod with what the command line says of it; a new command has none of the old arguments. */
function changed(own: Container, made: Draft['container'], { words, areArguments, stdin, tty }: Tool): Draft['container'] {
  const { args, stdin: _stdin, tty: _tty, ...rest } = own
  const { terminationMessagePolicy: _, ...said } = made
  const keepsArguments = args && (words.length === 0 || areArguments)
  return { ...rest, ...(keepsArguments && { args }), ...said, ...(stdin && { stdin }), ...(tty && { tty }) }
}
