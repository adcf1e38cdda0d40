import { type Command, expectText, type Kubectl, until } from './kubectl.ts'

/** Each version has a group and a plural of its own. */
const groupOf = ({ binary }: Kubectl) => `v${binary.minor}.peer.example`
const pluralOf = (group: string) => `boats${group.slice(1, 3)}`

const definition = (group: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${pluralOf(group)}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: {
      plural: pluralOf(group),
      singular: `boat${group.slice(1, 3)}`,
      kind: 'Boat',
      shortNames: [`bt${group.slice(1, 3)}`],
    },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        additionalPrinterColumns: [{ name: 'Oars', type: 'integer', jsonPath: '.spec.oars' }],
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.oars', statusReplicasPath: '.status.oars' },
        },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: 'Something that floats.',
            properties: {
              spec: {
                type: 'object',
                required: ['name'],
                properties: {
                  name: { type: 'string', minLength: 2 },
                  oars: { type: 'integer', default: 2 },
                  seats: { type: 'integer', default: 4 },
                },
                'x-kubernetes-validations': [{ rule: 'self.oars <= self.seats', message: 'more oars than seats' }],
              },
              status: { type: 'object', properties: { oars: { type: 'integer' }, afloat: { type: 'boolean' } } },
            },
          },
        },
      },
    ],
  },
})

/** A kind that the cluster did not know before, from its definition to its end. */
export const custom: readonly Command[] = [
  {
    name: 'a custom resource',
    async run(k) {
      const group = groupOf(k)
      const boats = `${pluralOf(group)}.${group}`
      const boat = (spec: object) => ({ apiVersion: `${group}/v1`, kind: 'Boat', metadata: { name: 'ann' }, spec })
      await k.file('boats.json', definition(group))
      await k.file('boat.json', boat({ name: 'Ann' }))
      await k.file('bad-boat.json', boat({ name: 'Ann', oars: 9 }))
      await k.file('odd-boat.json', boat({ name: 'Ann', sails: 1 }))
      expectText(await k.ok('apply -f boats.json'), 'created')
      await k.ok(`wait --for=condition=Established crd/${boats} --timeout=20s`)
      await until(async () => expectText(await k.ok('apply -f boat.json'), 'created'), 2_000)
      expectText(await k.ok('apply -f boat.json'), 'unchanged')
      expectText(await k.refused('apply -f bad-boat.json'), 'more oars than seats')
      expectText(await k.refused('apply -f odd-boat.json'), /unknown field "(spec\.)?sails"/)
      expectText(await k.field(`${boats} ann`, '{.spec}'), '"oars":2', '"seats":4')
      expectText(await k.ok(`get bt${group.slice(1, 3)}`), /^NAME +OARS/, /^ann +2/m)
      await k.ok(`scale ${boats}/ann --replicas=3`)
      expectText(await k.field(`${boats} ann`, '{.spec.oars}'), /^3$/)
      if (k.binary.minor >= 24) {
        await k.ok(['patch', boats, 'ann', '--subresource=status', '--type=merge', '-p', '{"status":{"afloat":true}}'])
        expectText(await k.field(`${boats} ann`, '{.status.afloat}'), /^true$/)
      }
      // OpenAPI follows within moments.
      await until(async () => expectText(await k.ok(`explain ${pluralOf(group)}`), 'Something that floats.'), 10_000)
      await k.ok(`delete crd ${boats} --timeout=20s`)
      expectText(
        await k.refused('get -f boat.json'),
        /the server could not find|the server doesn't have|no matches for kind|NotFound/,
      )
    },
  },
]
