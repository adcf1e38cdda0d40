import type { Random } from '../../../lib/random.ts'
import { bytes, chance, type Family, json, noise, pick, target, wrong } from './request.ts'

/** A kind of one's own with rules, subresources and columns. */
export const boats = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'boats.fuzz.test' },
  spec: {
    group: 'fuzz.test',
    scope: 'Namespaced',
    names: { plural: 'boats', kind: 'Boat', singular: 'boat', listKind: 'BoatList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                required: ['colour'],
                properties: {
                  colour: { type: 'string', enum: ['red', 'blue'], maxLength: 10 },
                  seats: { type: 'integer', minimum: 1, maximum: 9 },
                  weight: { type: 'number', multipleOf: 0.5 },
                  name: { type: 'string', pattern: '^[A-Z][a-z]*$' },
                  built: { type: 'string', format: 'date-time' },
                  crew: {
                    type: 'array',
                    maxItems: 3,
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: { name: { type: 'string' }, age: { type: 'integer' } },
                    },
                  },
                  tags: { type: 'array', items: { type: 'string' }, maxItems: 3, 'x-kubernetes-list-type': 'set' },
                  any: { 'x-kubernetes-preserve-unknown-fields': true, type: 'object' },
                  mixed: { 'x-kubernetes-int-or-string': true },
                },
                'x-kubernetes-validations': [
                  { rule: "!has(self.seats) || self.seats < 5 || self.colour == 'red'", message: 'too many seats' },
                  { rule: '!has(oldSelf.name) || self.name == oldSelf.name' },
                ],
              },
              status: { type: 'object', properties: { seats: { type: 'integer' }, selector: { type: 'string' } } },
            },
          },
        },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.seats', statusReplicasPath: '.status.seats', labelSelectorPath: '.status.selector' },
        },
        additionalPrinterColumns: [{ name: 'Colour', type: 'string', jsonPath: '.spec.colour' }],
      },
    ],
  },
}

/** Without seats, which its scale would like to know. */
export const boat = {
  apiVersion: 'fuzz.test/v1',
  kind: 'Boat',
  metadata: { name: target, namespace: 'default' },
  spec: { colour: 'red' },
}

const collection = '/apis/fuzz.test/v1/namespaces/default/boats'

function wrongSpec(random: Random): unknown {
  const colour = 'red'
  const strange = () => pick<unknown>(random, [wrong(random), noise(random, 9), {}, null])
  return pick<() => unknown>(random, [
    () => wrong(random),
    () => ({ colour: pick<unknown>(random, [1, 'green', '', {}, 'x'.repeat(99), null]) }),
    () => ({ colour, seats: pick<unknown>(random, [0, -1, 1.5, 'x', 1e30, {}, 10]) }),
    () => ({ colour: 'blue', seats: pick(random, [5, 6, 7]) }),
    () => ({ colour, weight: pick<unknown>(random, [0.3, 'x', {}, 1e-300]) }),
    () => ({ colour, name: pick<unknown>(random, ['x', `${noise(random, 5)} `, 1]) }),
    () => ({ colour, built: pick<unknown>(random, ['x', 1, '2020-99-01T00:00:00Z']) }),
    () => ({
      colour,
      crew: pick<unknown>(random, ['x', [1], [{}], [{ name: 'a' }, { name: 'a' }], [{ name: 1 }], [{ name: 'a', age: 'x' }]]),
    }),
    () => ({ colour, tags: pick<unknown>(random, ['x', ['a', 'a'], [1], ['a', 'b', 'c', 'd'], {}]) }),
    () => ({ colour, any: pick<unknown>(random, [1, [], 'x']) }),
    () => ({ colour, mixed: pick<unknown>(random, [1.5, {}, [], true]) }),
    () => ({ crew: strange(), tags: strange(), seats: strange(), any: strange(), mixed: strange() }),
  ])()
}

/** Custom resources that their definition does not allow. None that is new has a name. */
export const customResources: Family = random => {
  const { apiVersion, kind, metadata } = boat
  const spec = wrongSpec(random)
  const isThere = chance(random, 2)
  const what = 'custom resource'
  if (!isThere) {
    const body = JSON.stringify({ apiVersion: pick(random, [apiVersion, apiVersion, 'fuzz.test/v2']), kind, metadata: {}, spec })
    return {
      what,
      method: 'POST',
      path: collection,
      headers: { 'content-type': pick(random, ['application/json', 'application/yaml']) },
      body,
    }
  }
  const type = pick(random, ['merge-patch+json', 'json-patch+json', 'apply-patch+yaml', 'strategic-merge-patch+json', 'json'])
  const body =
    type === 'json-patch+json'
      ? [
          { op: pick(random, ['add', 'replace', 'copy', 'x']), path: `/spec/${noise(random, 4)}`, value: wrong(random) },
          { op: 'test', path: '/spec', value: 0 },
        ]
      : { apiVersion, kind, metadata: { ...metadata, labels: { '-': 'x' } }, spec }
  return {
    what: `${what} ${type}`,
    method: type === 'json' ? 'PUT' : 'PATCH',
    path: `${collection}/${target}?fieldManager=fuzz`,
    headers: { 'content-type': `application/${type}` },
    body: JSON.stringify(body),
  }
}

const expressions = (random: Random): string =>
  pick<() => string>(random, [
    () => noise(random, 30),
    () => '('.repeat(1 + random.below(3_000)),
    () => `${'!'.repeat(random.below(2_000))}true +`,
    () => `${'['.repeat(random.below(500))}1${']'.repeat(random.below(500))} == x`,
    () => `self.${noise(random, 6)}`,
    () => `object.spec.x == '${'a'.repeat(random.below(20_000))}`,
    () => '1 + "a"',
    () => `self.map(x, x.map(y, y.map(z, ${noise(random, 5)})))`,
    () => `"${'\\'.repeat(1 + random.below(9))}u12"`,
    () => 'has(self)',
    () => `${'a.'.repeat(random.below(3_000))}`,
    () => `{${'1:'.repeat(random.below(200))}}`,
    () => `matches('x', '${noise(random, 9)}')`,
    () => '9223372036854775808 + 0x',
    () => 'r"""',
    () => `${'x ? '.repeat(random.below(500))}y`,
  ])()

/** Definitions of kinds, policies and webhooks with something broken in them. None has a name. */
export const extensions: Family = random => {
  const broken = expressions(random)
  const [version] = boats.spec.versions
  const schema = (inner: unknown) => ({
    spec: { ...boats.spec, group: 'x.test', versions: [{ ...version, schema: { openAPIV3Schema: inner } }] },
  })
  const policy = (more: object) => ({
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      },
      ...more,
    },
  })
  const [path, body] = pick<() => [string, object]>(random, [
    () => [
      'apiextensions.k8s.io/v1/customresourcedefinitions',
      schema({ type: 'object', properties: { a: { type: 'object', 'x-kubernetes-validations': [{ rule: broken }] } } }),
    ],
    () => [
      'apiextensions.k8s.io/v1/customresourcedefinitions',
      schema({ type: 'object', properties: { a: { type: 'string', pattern: noise(random, 12), default: wrong(random) } } }),
    ],
    () => [
      'apiextensions.k8s.io/v1/customresourcedefinitions',
      schema({ type: noise(random, 5), properties: { [noise(random, 4)]: { type: 'array' } } }),
    ],
    () => ['apiextensions.k8s.io/v1/customresourcedefinitions', schema(nestedSchema(random.below(300)))],
    () => [
      'apiextensions.k8s.io/v1/customresourcedefinitions',
      schema({ type: 'object', allOf: [{ not: { oneOf: [{ properties: wrong(random) }] } }] }),
    ],
    () => [
      'apiextensions.k8s.io/v1/customresourcedefinitions',
      { spec: { ...boats.spec, names: { plural: noise(random, 5), kind: wrong(random) } } },
    ],
    () => [
      'apiextensions.k8s.io/v1/customresourcedefinitions',
      {
        spec: {
          ...boats.spec,
          versions: [
            {
              ...version,
              name: noise(random, 5),
              additionalPrinterColumns: [{ name: 'a', type: 'x', jsonPath: noise(random, 9) }],
            },
          ],
        },
      },
    ],
    () => [
      'apiextensions.k8s.io/v1/customresourcedefinitions',
      {
        spec: {
          ...boats.spec,
          versions: [
            {
              ...version,
              subresources: { scale: { specReplicasPath: noise(random, 9), statusReplicasPath: '.spec.__proto__.x' } },
            },
          ],
        },
      },
    ],
    () => [
      'apiextensions.k8s.io/v1/customresourcedefinitions',
      { spec: { ...boats.spec, conversion: { strategy: 'Webhook', webhook: { clientConfig: { url: noise(random, 20) } } } } },
    ],
    () => ['admissionregistration.k8s.io/v1/validatingadmissionpolicies', policy({ validations: [{ expression: broken }] })],
    () => [
      'admissionregistration.k8s.io/v1/validatingadmissionpolicies',
      policy({
        validations: [{ expression: 'true', messageExpression: broken }],
        variables: [{ name: noise(random, 5), expression: broken }],
      }),
    ],
    () => [
      'admissionregistration.k8s.io/v1/validatingadmissionpolicies',
      policy({
        matchConditions: [{ name: 'a', expression: broken }],
        auditAnnotations: [{ key: noise(random, 5), valueExpression: broken }],
      }),
    ],
    () => [
      'admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicies',
      policy({
        mutations: [
          {
            patchType: pick(random, ['JSONPatch', 'ApplyConfiguration', 'x']),
            applyConfiguration: { expression: broken },
            jsonPatch: { expression: broken },
          },
        ],
        reinvocationPolicy: 'Never',
      }),
    ],
    () => [
      'admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
      {
        spec: {
          policyName: noise(random, 6),
          validationActions: ['Deny', noise(random, 5)],
          paramRef: { name: '', selector: { matchLabels: { '-': '' } } },
        },
      },
    ],
    () => [
      'admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
      {
        webhooks: [
          {
            name: noise(random, 8),
            clientConfig: { url: noise(random, 20), caBundle: bytes(random, 20).toString('base64') },
            matchConditions: [{ name: 'x', expression: broken }],
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
          },
        ],
      },
    ],
    () => [
      'admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
      { webhooks: [{ name: 'a.b.c', rules: wrong(random) }] },
    ],
    () => [
      'certificates.k8s.io/v1/certificatesigningrequests',
      {
        spec: {
          signerName: pick(random, ['kubernetes.io/kube-apiserver-client', 'kubernetes.io/kubelet-serving', noise(random, 9)]),
          usages: ['client auth'],
          request: request(random),
        },
      },
    ],
    () => [
      'flowcontrol.apiserver.k8s.io/v1/flowschemas',
      {
        spec: {
          matchingPrecedence: pick(random, [0, -1, 99_999, 1]),
          rules: [{ subjects: [{ kind: noise(random, 5) }] }],
          priorityLevelConfiguration: { name: noise(random, 5) },
        },
      },
    ],
    () => ['resource.k8s.io/v1/deviceclasses', { spec: { selectors: [{ cel: { expression: broken } }] } }],
  ])()
  const cluster = /^([^/]+)\/([^/]+)\/(.*)$/.exec(path)
  return { what: `extension ${cluster?.[3]}`, method: 'POST', path: `/apis/${path}`, headers: json, body: JSON.stringify(body) }
}

function nestedSchema(depth: number): object {
  let schema: object = { type: 'string' }
  for (let at = 0; at < depth; at++) schema = { type: 'object', properties: { a: schema } }
  return schema
}

/** What looks like a request for a certificate from outside, or not even that. */
const request = (random: Random): unknown =>
  pick<() => unknown>(random, [
    () => pem('CERTIFICATE REQUEST', bytes(random, 300)),
    () =>
      pem(
        'CERTIFICATE REQUEST',
        Buffer.concat([
          Buffer.from([0x30, 0x82, random.below(256), random.below(256), 0x30, random.below(256), 2, 1, 0]),
          bytes(random, 200),
        ]),
      ),
    () => pem(noise(random, 6), bytes(random, 50)),
    () => Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n').toString('base64'),
    () => bytes(random, 50).toString('base64'),
    () => wrong(random),
    () => Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n!!\n-----END CERTIFICATE REQUEST-----\n').toString('base64'),
  ])()

const pem = (label: string, der: Buffer) =>
  Buffer.from(`-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`).toString('base64')
