import { describe, expect, test } from 'vitest'
import { deepFreeze } from '../lib/json.ts'
import { Deployment } from './apps/deployment.ts'
import { ConfigMap } from './core/config-map.ts'
import { Pod } from './core/pod.ts'
import { Secret } from './core/secret.ts'
import { decode } from './decode.ts'
import { isReason } from './errors.ts'
import { nearest } from './nearest.ts'

const container = { name: 'web', image: 'nginx' }
const pod = (spec: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', ...metadata },
  spec: { containers: [container], ...spec },
})
const specOf = (body: unknown) => decode(Pod, body, 'Strict').object.spec

function refusal(decoding: () => unknown): string {
  try {
    decoding()
  } catch (error) {
    if (isReason(error, 'BadRequest')) return error.message
    throw error
  }
  return 'not refused'
}

describe('what decoding makes of a body', () => {
  test('unconditional defaults are filled in, the body stays as it is', () => {
    const body = deepFreeze(pod())
    const { object, warnings } = decode(Pod, body, 'Strict')
    object.spec.containers[0]!.image = 'other'
    expect(body.spec.containers).toEqual([container])
    expect(warnings).toEqual([])
    expect(object).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'default', uid: '', resourceVersion: '', creationTimestamp: '' },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'other',
            resources: {},
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
          },
        ],
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        dnsPolicy: 'ClusterFirst',
        securityContext: {},
        schedulerName: 'default-scheduler',
        enableServiceLinks: true,
      },
      status: { phase: 'Pending' },
    })
  })

  test('nothing of the body is shared with the object', () => {
    const body = deepFreeze(
      pod(
        { volumes: [{ name: 'v', rbd: { monitors: ['a'] } }] },
        { managedFields: [{ manager: 'm', fieldsV1: { 'f:spec': {} } }] },
      ),
    )
    const { object } = decode(Pod, body, 'Strict')
    const frozen = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && (Object.isFrozen(value) || Object.values(value).some(frozen))
    expect(frozen(object)).toBe(false)
    expect(object.spec.volumes).toMatchObject([{ name: 'v', rbd: { monitors: ['a'] } }])
  })

  test('null is absent, wherever it stands', () => {
    const body = pod(
      { nodeName: null, volumes: null, containers: [{ ...container, env: null, resources: { limits: { cpu: null } } }] },
      { creationTimestamp: null, labels: { a: 'b', gone: null }, annotations: null },
    )
    const { object, warnings } = decode(Pod, body, 'Strict')
    expect(warnings).toEqual([])
    expect(object.metadata).toMatchObject({ creationTimestamp: '', labels: { a: 'b' } })
    expect(object.spec).not.toHaveProperty('nodeName')
    expect(object.spec).not.toHaveProperty('volumes')
    expect(object.spec.containers[0]).not.toHaveProperty('env')
    expect(object.spec.containers[0]?.resources).toEqual({ limits: {} })
  })

  test('zero values of plain fields are absent, those of pointers are not', () => {
    const spec = specOf(
      pod({
        hostNetwork: false,
        nodeName: '',
        volumes: [],
        nodeSelector: {},
        restartPolicy: '',
        automountServiceAccountToken: false,
        activeDeadlineSeconds: 0,
        terminationGracePeriodSeconds: 0,
      }),
    )
    for (const field of ['hostNetwork', 'nodeName', 'volumes', 'nodeSelector']) expect(spec).not.toHaveProperty(field)
    expect(spec).toMatchObject({
      restartPolicy: 'Always',
      automountServiceAccountToken: false,
      activeDeadlineSeconds: 0,
      terminationGracePeriodSeconds: 0,
    })
  })

  test('an empty storage class is not the same as none', () => {
    const claim = { metadata: {}, spec: { storageClassName: '' } }
    const spec = specOf(pod({ volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: claim } }] }))
    expect(spec.volumes?.[0]?.ephemeral?.volumeClaimTemplate?.spec.storageClassName).toBe('')
  })

  test.each([
    ['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05Z'],
    ['2026-01-02T03:04:05+02:00', '2026-01-02T01:04:05Z'],
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
    ['2028-02-29T23:59:59Z', '2028-02-29T23:59:59Z'],
    ['2026-12-31T23:59:59-01:00', '2027-01-01T00:59:59Z'],
  ])('the time %s is kept as %s', (given, kept) => {
    expect(decode(Pod, pod({}, { deletionTimestamp: given }), 'Strict').object.metadata.deletionTimestamp).toBe(kept)
  })

  test('quantities become canonical, numbers too', () => {
    const resources = { requests: { cpu: 0.5, memory: '1024Mi' } }
    expect(specOf(pod({ containers: [{ ...container, resources }] })).containers[0]?.resources.requests).toEqual({
      cpu: '500m',
      memory: '1Gi',
    })
  })

  test('a port may be a number or a name', () => {
    const readinessProbe = { httpGet: { port: 'http' } }
    expect(specOf(pod({ containers: [{ ...container, readinessProbe }] })).containers[0]?.readinessProbe).toEqual({
      httpGet: { port: 'http', path: '/', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    })
  })
})

describe('unknown fields', () => {
  const body = { ...pod({ foo: 1, containers: [{ ...container, imagee: 'x' }] }, { labels: { any: 'thing' } }), extra: {} }
  const unknown = ['unknown field "spec.containers[0].imagee"', 'unknown field "spec.foo"', 'unknown field "extra"']

  test('Strict refuses them all at once', () => {
    expect(refusal(() => decode(Pod, body, 'Strict'))).toBe(
      `Pod in version "v1" cannot be handled as a Pod: strict decoding error: ${unknown.join(', ')}`,
    )
  })

  test('Warn names them, Ignore does not; both drop them', () => {
    const { object, warnings } = decode(Pod, body, 'Warn')
    expect(warnings).toEqual(unknown)
    expect(object.spec).not.toHaveProperty('foo')
    expect(decode(Pod, body, 'Ignore')).toEqual({ object, warnings: [] })
  })

  test.each([
    ['imagee', ['image', 'name', 'imagePullPolicy'], 'image'],
    ['replcias', ['replicas', 'selector'], 'replicas'],
    ['Image', ['image', 'name'], 'image'],
    ['zzz', ['image', 'name'], undefined],
  ])('%s: did you mean one of %j? %s', (name, candidates, expected) => {
    expect(nearest(name, candidates)).toBe(expected)
  })
})

describe('wrong types are told as Go tells them', () => {
  const template = (first: object) => ({ spec: { template: { spec: { containers: [first] } } } })
  test.each([
    [
      { spec: { replicas: '3' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { replicas: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [{ spec: { replicas: 3000000000 } }, 'number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32'],
    [
      template({ name: 1 }),
      'cannot unmarshal number into Go struct field Container.spec.template.spec.containers.name of type string',
    ],
    [
      template({ tty: 'x' }),
      'cannot unmarshal string into Go struct field Container.spec.template.spec.containers.tty of type bool',
    ],
    [
      { spec: { template: { spec: { containers: {} } } } },
      'object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    ],
    [{ spec: [] }, 'cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec'],
    [
      { metadata: { labels: { a: 1 } } },
      'cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [template({ resources: { limits: { cpu: '1x' } } }), 'quantities must match the regular expression'],
    [template({ resources: { limits: { cpu: true } } }), 'quantities must match the regular expression'],
    [{ metadata: { labels: [] } }, 'array into Go struct field ObjectMeta.metadata.labels of type map[string]string'],
    [{ metadata: { finalizers: {} } }, 'object into Go struct field ObjectMeta.metadata.finalizers of type []string'],
    [template({ tty: 0 }), 'number into Go struct field Container.spec.template.spec.containers.tty of type bool'],
    [template({ image: false }), 'bool into Go struct field Container.spec.template.spec.containers.image of type string'],
    [{ spec: { minReadySeconds: '' } }, 'string into Go struct field DeploymentSpec.spec.minReadySeconds of type int32'],
    [{ metadata: { creationTimestamp: '2026-13-01T00:00:00Z' } }, 'cannot parse "2026-13-01T00:00:00Z"'],
    [{ metadata: { creationTimestamp: '2026-02-29T00:00:00Z' } }, 'cannot parse "2026-02-29T00:00:00Z"'],
    [{ metadata: { creationTimestamp: '2026-01-01T24:00:00Z' } }, 'cannot parse "2026-01-01T24:00:00Z"'],
    [{ metadata: { creationTimestamp: 'soon' } }, 'parsing time "\\"soon\\"" as "2006-01-02T15:04:05Z07:00"'],
    [{ spec: { strategy: { rollingUpdate: { maxSurge: true } } } }, 'json: cannot unmarshal bool into Go value of type int32'],
    [[], 'json: cannot unmarshal array into Go value of type v1.Deployment'],
  ])('%j', (body, text) => {
    const message = refusal(() => decode(Deployment, body, 'Ignore'))
    expect(message).toMatch(/^Deployment in version "v1" cannot be handled as a Deployment: /)
    expect(message).toContain(text)
  })

  test('bytes must be base64', () => {
    expect(refusal(() => decode(Secret, { data: { a: 'no base64!' } }, 'Ignore'))).toContain(
      'illegal base64 data at input byte 2',
    )
    expect(decode(ConfigMap, { binaryData: { a: 'aGk=' } }, 'Ignore').object.binaryData).toEqual({ a: 'aGk=' })
  })
})
