import type { Random } from '../../../lib/random.ts'
import type { Written } from '../manifests.ts'

/** What a pod's spec asks for in the end. `stays`: runs and is ready. `done`: Succeeded. `once`: ended, with the code it was told. */
export type Wanted = 'stays' | 'crashes' | 'done' | 'once' | 'stays if it can'

export const wantsAnnotation = 'chaos.example/wants'
export const codesAnnotation = 'chaos.example/codes'
const image = 'busybox:1.36'
/** What pods of the ledger's claim have written, one line for each start. */
export const ledger = 'ledger'

const sh = (script: string) => ['sh', '-c', script]
const stay = 'trap "exit 143" TERM; sleep 1000000 & wait $!'
const exec = (script: string) => ({ exec: { command: sh(script) } })
const app = (script: string, more: object = {}) => ({ name: 'app', image, command: sh(script), ...more })
const mount = (name: string, mountPath = `/${name}`, more: object = {}) => ({ name, mountPath, ...more })
const uidEnv = [{ name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } }]
const onClaim = (claimName: string) => ({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] })
const writesStart = 'echo "$POD_UID $(cat /proc/sys/kernel/random/uuid)" >> /data/starts'

interface Shape {
  readonly wants: Wanted
  readonly spec: object
  /** Exit codes of its containers when nobody kills them. */
  readonly codes?: readonly number[]
}

/** What pods look like; `random` picks among small differences. */
const shapes: Record<string, (random: Random) => Shape> = {
  plain: () => ({ wants: 'stays', spec: { containers: [app(stay), { ...app(stay), name: 'other' }] } }),
  limited: () => ({
    wants: 'stays',
    spec: {
      containers: [
        app(stay, { resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '500m', memory: '64Mi' } } }),
        app(stay, { name: 'other', resources: { limits: { cpu: '500m', memory: '64Mi' } } }),
      ],
    },
  }),
  probed: () => ({
    wants: 'stays',
    spec: {
      containers: [
        app(`touch /tmp/up; ${stay}`, {
          startupProbe: { ...exec('test -e /tmp/up'), periodSeconds: 1, failureThreshold: 30 },
          readinessProbe: { ...exec('test -e /tmp/up'), periodSeconds: 1 },
          livenessProbe: { ...exec('test -e /tmp/up'), periodSeconds: 1, failureThreshold: 5, timeoutSeconds: 5 },
        }),
      ],
    },
  }),
  initialised: random => ({
    wants: 'stays',
    spec: {
      initContainers: [
        app(`sleep 0.${random.below(8)}; echo one >> /scratch/order`, { name: 'first', volumeMounts: [mount('scratch')] }),
        app(`echo sidecar >> /scratch/order; ${stay}`, {
          name: 'sidecar',
          restartPolicy: 'Always',
          volumeMounts: [mount('scratch')],
        }),
        app(`sleep 0.${random.below(8)}; echo two >> /scratch/order`, { name: 'second', volumeMounts: [mount('scratch')] }),
      ],
      containers: [
        app(`grep -q one /scratch/order && grep -q two /scratch/order && grep -q sidecar /scratch/order || exit 9; ${stay}`, {
          volumeMounts: [mount('scratch')],
        }),
      ],
      volumes: [{ name: 'scratch', emptyDir: {} }],
    },
  }),
  finishes: random => ({
    wants: 'done',
    spec: { restartPolicy: 'OnFailure', containers: [app(`sleep ${random.below(4)}`), app('exit 0', { name: 'quick' })] },
  }),
  'second try': () => ({
    wants: 'done',
    spec: {
      restartPolicy: 'OnFailure',
      containers: [app('[ -e /scratch/tried ] && exit 0; touch /scratch/tried; exit 3', { volumeMounts: [mount('scratch')] })],
      volumes: [{ name: 'scratch', emptyDir: {} }],
    },
  }),
  'job with sidecar': random => ({
    wants: 'done',
    spec: {
      restartPolicy: 'OnFailure',
      initContainers: [app(stay, { name: 'sidecar', restartPolicy: 'Always' })],
      containers: [app(`sleep ${random.below(3)}`)],
    },
  }),
  once: random => {
    const code = random.below(2) * 5
    return {
      wants: 'once',
      codes: [code],
      spec: { restartPolicy: 'Never', containers: [app(`sleep ${random.below(4)}; exit ${code}`)] },
    }
  },
  'once, initialised': random => ({
    wants: 'once',
    codes: [0],
    spec: {
      restartPolicy: 'Never',
      initContainers: [app(`sleep 0.${random.below(9)}`, { name: 'first' })],
      containers: [app(`sleep ${random.below(3)}`), app('sleep 1', { name: 'other' })],
    },
  }),
  'never again': () => ({
    wants: 'stays if it can',
    spec: { restartPolicy: 'Never', containers: [app(stay), app(stay, { name: 'other' })] },
  }),
  crashes: () => ({ wants: 'crashes', spec: { containers: [app('sleep 0.3; exit 4'), app(stay, { name: 'other' })] } }),
  volumes: () => ({
    wants: 'stays',
    spec: {
      containers: [
        app(
          `[ -e /config/key ] && [ -e /secret/word ] && grep -q app /all/labels && touch /memory/x /scratch/x || exit 9; ${stay}`,
          {
            volumeMounts: ['config', 'secret', 'memory', 'scratch', 'all'].map(name => mount(name)),
            env: [{ name: 'KEY', valueFrom: { configMapKeyRef: { name: 'settings', key: 'key' } } }],
          },
        ),
      ],
      volumes: [
        { name: 'config', configMap: { name: 'settings' } },
        { name: 'secret', secret: { secretName: 'words' } },
        { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
        { name: 'scratch', emptyDir: {} },
        {
          name: 'all',
          projected: {
            sources: [
              { configMap: { name: 'settings' } },
              { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
            ],
          },
        },
      ],
    },
  }),
  'keeps a ledger': () => ({
    wants: 'stays',
    spec: { containers: [app(`${writesStart}; ${stay}`, { env: uidEnv, volumeMounts: [mount('data')] })], ...onClaim(ledger) },
  }),
  'writes into a folder': () => ({
    wants: 'stays',
    spec: {
      containers: [
        app(`date >> /own/dates; ls /scratch > /dev/null; ${stay}`, {
          volumeMounts: [
            mount('data', '/own', { subPath: 'folder/of/its/own' }),
            mount('scratch', '/scratch', { subPath: 'a/b' }),
          ],
        }),
      ],
      volumes: [...onClaim('round').volumes, { name: 'scratch', emptyDir: {} }],
    },
  }),
  hooks: random => ({
    wants: 'stays',
    spec: {
      terminationGracePeriodSeconds: 3,
      containers: [
        app(stay, {
          lifecycle: {
            postStart: exec(`sleep 0.${random.below(9)}; echo started > /tmp/hook`),
            preStop: random.below(2) === 0 ? { sleep: { seconds: 1 } } : exec('sleep 0.5'),
          },
        }),
      ],
    },
  }),
  stubborn: () => ({
    wants: 'stays',
    spec: { terminationGracePeriodSeconds: 2, containers: [app('trap "sleep 4; exit 143" TERM; sleep 1000000 & wait $!')] },
  }),
}

export const shapeNames = Object.keys(shapes)

const meta = (name: string, random: Random, annotations: object) => ({
  name,
  labels: { app: name, round: String(random.below(3)) },
  annotations: { ...annotations },
})

/** A pod of one of the shapes. */
export function podOf(name: string, shape: string, random: Random): Written {
  const { wants, spec, codes } = shapes[shape]!(random)
  const annotations = { [wantsAnnotation]: wants, ...(codes && { [codesAnnotation]: codes.join() }), shape }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: meta(name, random, annotations),
    spec: { terminationGracePeriodSeconds: 1, ...spec },
  }
}

const ofTemplates = ['plain', 'probed', 'initialised', 'volumes', 'hooks']

export function deploymentOf(name: string, random: Random): Written {
  const { metadata, spec } = podOf(name, ofTemplates[random.below(ofTemplates.length)]!, random)
  const { name: _, ...template } = metadata
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name } },
    spec: {
      replicas: 1 + random.below(3),
      selector: { matchLabels: { app: name } },
      template: { metadata: template, spec },
    },
  }
}

/** A static pod's file. It can have no volumes of the API's objects. */
export const staticFile = (name: string, random: Random): string => {
  const shape = ['plain', 'initialised', 'hooks'][random.below(3)]!
  return JSON.stringify(podOf(name, shape, random))
}

export const claimNamed = (name: string): Written => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '64Mi' } } },
})

/** What pods refer to. */
export const surroundings: readonly Written[] = [
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { key: 'value' } },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'words' }, stringData: { word: 'hidden' } },
  claimNamed(ledger),
]
