import * as z from 'zod'
import type { AnyKind, DynamicSchema, KindDefinition } from '../kind.ts'
import { subdomainName } from '../names.ts'

/** Nothing is read by it: what a kind that came at run time looks like is said by `dynamic`. */
const anything = z.looseObject({})

type Said = 'group' | 'version' | 'kind' | 'listKind' | 'plural' | 'singular' | 'namespaced'
type Options = Pick<AnyKind, Said> & Partial<Omit<KindDefinition, 'dynamic'>> & { readonly dynamic: DynamicSchema }

/** A definition out of what is known of a custom resource; everything else is as for all custom resources. */
export function dynamicKind(options: Options): AnyKind {
  const nothing = () => {}
  return {
    shortNames: [],
    categories: [],
    description: '',
    schema: anything as never,
    fields: {},
    verbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'],
    columns: [],
    subresources: [],
    selectableFields: {},
    allowUnconditionalUpdate: false,
    allowCreateOnUpdate: false,
    keepsStatusOnCreate: false,
    statusKeeps: 'metadata',
    tracksManagers: 'always',
    validateName: subdomainName,
    default: nothing,
    prepareForCreate: nothing,
    prepareForUpdate: nothing,
    validate: () => [],
    validateStatus: () => [],
    deletion: { defaultPropagation: 'Background' },
    ...options,
  }
}
