import type { KubeObject } from '../../api/transport.ts'
import { copy, type Mutable } from '../../lib/json.ts'
import { schemaSource } from '../apply/schema.ts'
import { threeWayPatch } from '../apply/three-way.ts'
import { type CommandContext, flag } from '../command.ts'
import type { FlagSpecs } from '../flags.ts'
import { callOf, selectionFlags } from '../objects.ts'
import { dryRunOf, resultPrinter, writeFlags } from '../result.ts'
import { displayName } from '../selection.ts'
import type { Session } from '../session.ts'
import { eachTarget, fetchTarget, type Target } from '../targets.ts'

type Json = Record<string, unknown>

/** A container as far as these verbs change it. */
export interface Container {
  name: string
  image?: string
  env?: EnvVar[]
  resources?: { limits?: Record<string, string>; requests?: Record<string, string> }
}

export interface EnvVar {
  name: string
  value?: string
  valueFrom?: object
}

export interface PodSpec {
  containers: Container[]
  initContainers?: Container[]
  serviceAccountName?: string
}

/** Flags of every `set` verb. */
export const setFlags = {
  ...selectionFlags,
  ...writeFlags,
  'field-manager': { type: 'string', help: 'In whose name fields are set' },
} as const satisfies FlagSpecs

/** Where each kind keeps the description of its pods. */
const placesOfPodSpec = [['spec', 'jobTemplate', 'spec', 'template', 'spec'], ['spec', 'template', 'spec'], ['spec']]

/** The part of an object that describes its pods; undefined when it has none. */
export function podSpecOf(object: object): PodSpec | undefined {
  for (const place of placesOfPodSpec) {
    let at: unknown = object
    for (const step of place) at = (at as Json | undefined)?.[step]
    if (Array.isArray((at as PodSpec | undefined)?.containers)) return at as PodSpec
  }
  return undefined
}

export interface PodChange {
  /** The words that name objects. */
  readonly words: readonly string[]
  /** `image updated` */
  readonly outcome: string
  /** Changes a copy of the object's description of its pods. Throws when it cannot. */
  readonly change: (spec: PodSpec, object: KubeObject, session: Session) => void | Promise<void>
}

/** Changes the pods that the chosen objects describe, and says of each that was changed. Answers the exit code. */
export async function changePods(context: CommandContext, { words, outcome, change }: PodChange): Promise<number> {
  const session = await context.session()
  const schemas = schemaSource(session)
  const say = resultPrinter(context)
  const dryRun = dryRunOf(context)
  const { code } = await eachTarget(context, { words, doing: 'updating' }, async target => {
    const before = target.object ?? (await fetchTarget(session, target))
    const after = copy(before)
    await change(requirePodSpec(target, after), before, session)
    const [old, wanted] = [before, after] as unknown as [Json, Json]
    const schema = await schemas(target.resource)
    const body = threeWayPatch(old, wanted, old, schema)
    if (Object.keys(body).length === 0) return
    const { resource, namespace, name } = target
    const options = {
      fieldManager: flag.text(context, 'field-manager') ?? 'kubectl-set',
      ...(dryRun === 'server' && { dryRun: true }),
    }
    const call = callOf('patch', resource, { namespace, name }, { body, patchType: schema ? 'strategic' : 'merge', options })
    await say(target, outcome, dryRun === 'client' ? after : await session.transport.call(call))
  })
  return code
}

/** An object's description of its pods. Throws when it has none. */
export function requirePodSpec({ resource, name }: Target, object: Mutable<KubeObject> | KubeObject): PodSpec {
  const spec = podSpecOf(object)
  if (!spec) throw new Error(`${displayName(resource, name)} has no pod template`)
  return spec
}

/** Those of a pod's containers that a name or a pattern such as `*` or `web-*` means. */
export function containersNamed(containers: readonly Container[], pattern: string): Container[] {
  const letters = pattern.split('*').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const matcher = new RegExp(`^${letters.join('.*')}$`)
  return containers.filter(({ name }) => matcher.test(name))
}
