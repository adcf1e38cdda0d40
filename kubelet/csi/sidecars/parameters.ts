import type { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import type { Texts } from '../messages.ts'

/** A class's parameters: some are for us, the rest for the driver (external-provisioner pkg/controller). */
export interface ClassParameters {
  readonly driver: Texts
  readonly fsType: string
  readonly secrets: Readonly<Partial<Record<SecretUse, { readonly name: string; readonly namespace: string }>>>
}

export type SecretUse =
  | 'provisioner'
  | 'controller-publish'
  | 'node-stage'
  | 'node-publish'
  | 'controller-expand'
  | 'node-expand'
  | 'controller-modify'

const reserved = 'csi.storage.k8s.io/'
const uses: readonly SecretUse[] = [
  'provisioner',
  'controller-publish',
  'node-stage',
  'node-publish',
  'controller-expand',
  'node-expand',
  'controller-modify',
]

/** Throws where the class asks for something that nobody knows, or that cannot be worked out. */
export function classParameters(
  parameters: Texts = {},
  claim: Pick<PersistentVolumeClaim, 'metadata'>,
  volumeName: string,
): ClassParameters {
  const driver: Record<string, string> = {}
  const own: Record<string, string> = {}
  for (const [key, value] of Object.entries(parameters))
    if (key.startsWith(reserved)) own[key.slice(reserved.length)] = value
    else if (key !== 'fstype') driver[key] = value
  const known = new Set(['fstype', ...uses.flatMap(use => [`${use}-secret-name`, `${use}-secret-namespace`])])
  const stranger = Object.keys(own).find(key => !known.has(key))
  if (stranger !== undefined)
    throw new Error(
      `failed to strip CSI Parameters of prefixed keys: found unknown parameter key "${reserved}${stranger}" with reserved namespace ${reserved}`,
    )

  const secrets: Partial<Record<SecretUse, { name: string; namespace: string }>> = {}
  for (const use of uses) {
    const { [`${use}-secret-name`]: name, [`${use}-secret-namespace`]: namespace } = own
    if (name === undefined && namespace === undefined) continue
    if (name === undefined || namespace === undefined)
      throw new Error(
        `failed to get name and namespace template from params: either name and namespace for ${use} secrets specified, Both must be specified`,
      )
    secrets[use] = { name: filled(name, claim, volumeName), namespace: filled(namespace, claim, volumeName) }
  }
  return { driver, fsType: own.fstype ?? parameters.fstype ?? '', secrets }
}

function filled(template: string, { metadata }: Pick<PersistentVolumeClaim, 'metadata'>, volumeName: string): string {
  const values: Record<string, string | undefined> = {
    'pv.name': volumeName,
    'pvc.name': metadata.name,
    'pvc.namespace': metadata.namespace,
  }
  return template.replaceAll(/\$\{([^}]*)\}/g, (_, key: string) => {
    const annotation = /^pvc\.annotations\['(.*)'\]$/.exec(key)?.[1]
    const value = annotation === undefined ? values[key] : metadata.annotations?.[annotation]
    if (value === undefined) throw new Error(`error resolving value "${template}": invalid tokens: ["${key}"]`)
    return value
  })
}
