import { expect, test } from 'vitest'
import type { ContainerState, Sandbox } from '../runtime/runtime.ts'
import { deadContainer, sampleContainer, samplePod, sampleSandbox } from '../samples.ts'
import { computePodActions, type ProbeResult } from './actions.ts'

const image = 'app:1'
const app = { name: 'app', image }
const other = { name: 'other', image }
const init = { name: 'init', image }
const init2 = { name: 'init2', image }
const sidecar = { name: 'sidecar', image, restartPolicy: 'Always' }
const startupProbe = { exec: { command: ['true'] } }

interface Case {
  title: string
  spec?: object
  metadata?: object
  sandboxes?: Sandbox[]
  containers?: ContainerState[]
  liveness?: ProbeResult
  startup?: ProbeResult
  expected: object
}

const kept = {
  killPod: false,
  createSandbox: false,
  sandboxId: 'sandbox',
  attempt: 0,
  initToStart: [],
  ephemeralToStart: [],
  appsToStart: [],
}
const fresh = { killPod: true, createSandbox: true, attempt: 0, initToStart: [], ephemeralToStart: [], appsToStart: [] }

const cases: Case[] = [
  { title: 'a new pod', sandboxes: [], expected: { ...fresh, appsToStart: ['app'] } },
  {
    title: 'a new pod with init containers starts with the first',
    spec: { initContainers: [init, init2] },
    sandboxes: [],
    expected: { ...fresh, initToStart: ['init'] },
  },
  { title: 'all is well', containers: [sampleContainer('app')], expected: kept },
  {
    title: 'a dead sandbox means a new one, and everything again',
    sandboxes: [sampleSandbox({ state: 'notReady' })],
    containers: [deadContainer('app', 137)],
    expected: { ...fresh, attempt: 1, appsToStart: ['app'] },
  },
  {
    title: 'a sandbox without an address means a new one',
    sandboxes: [sampleSandbox({ ip: '' })],
    expected: { ...fresh, attempt: 1, appsToStart: ['app'] },
  },
  {
    title: 'with host networking no address is needed',
    spec: { hostNetwork: true },
    sandboxes: [sampleSandbox({ ip: '' })],
    containers: [sampleContainer('app')],
    expected: kept,
  },
  {
    title: 'two ready sandboxes are one too many',
    sandboxes: [sampleSandbox({ id: 'newer', attempt: 1, createdAt: 2000 }), sampleSandbox()],
    expected: { ...fresh, attempt: 2, appsToStart: ['app'] },
  },
  {
    title: 'Never: a dead sandbox is not made again once containers ran',
    spec: { restartPolicy: 'Never' },
    sandboxes: [sampleSandbox({ state: 'notReady' })],
    containers: [deadContainer('app', 1)],
    expected: { ...fresh, createSandbox: false, attempt: 1 },
  },
  {
    title: 'Never: a container that was made and never begun has not run',
    spec: { restartPolicy: 'Never', initContainers: [init] },
    sandboxes: [sampleSandbox({ state: 'notReady' })],
    containers: [sampleContainer('init', { state: 'created' })],
    expected: { ...fresh, attempt: 1, initToStart: ['init'] },
  },
  {
    title: 'Never: initialisation begins anew while the rest has not begun',
    spec: { restartPolicy: 'Never', initContainers: [init, init2] },
    sandboxes: [sampleSandbox({ state: 'notReady' })],
    containers: [deadContainer('init', 0, { role: 'init' })],
    expected: { ...fresh, attempt: 1, initToStart: ['init'] },
  },
  {
    title: 'Never: what has not begun gets a sandbox, what has ended stays so',
    spec: { restartPolicy: 'Never', containers: [app, other] },
    sandboxes: [sampleSandbox({ state: 'notReady' })],
    containers: [deadContainer('app', 255)],
    expected: { ...fresh, attempt: 1, appsToStart: ['other'] },
  },
  {
    title: 'Never: failed initialisation is not begun anew',
    spec: { restartPolicy: 'Never', initContainers: [init, init2] },
    sandboxes: [sampleSandbox({ state: 'notReady' })],
    containers: [deadContainer('init', 137, { role: 'init' })],
    expected: { ...fresh, createSandbox: false, attempt: 1 },
  },
  {
    title: 'OnFailure: no new sandbox when all have succeeded',
    spec: { restartPolicy: 'OnFailure' },
    sandboxes: [sampleSandbox({ state: 'notReady' })],
    containers: [deadContainer('app', 0)],
    expected: { ...fresh, createSandbox: false, attempt: 1 },
  },
  { title: 'Always restarts a success', containers: [deadContainer('app', 0)], expected: { ...kept, appsToStart: ['app'] } },
  {
    title: 'OnFailure restarts a failure',
    spec: { restartPolicy: 'OnFailure' },
    containers: [deadContainer('app', 1)],
    expected: { ...kept, appsToStart: ['app'] },
  },
  {
    title: 'Never restarts nothing, and then the pod is over',
    spec: { restartPolicy: 'Never' },
    containers: [deadContainer('app', 1)],
    expected: { ...kept, killPod: true },
  },
  {
    title: 'Never: the pod goes on while another container runs',
    spec: { restartPolicy: 'Never', containers: [app, other] },
    containers: [deadContainer('app', 1), sampleContainer('other')],
    expected: kept,
  },
  {
    title: "a container's own rule wins over the pod's policy",
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          ...app,
          restartPolicy: 'Never',
          restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }],
        },
      ],
    },
    containers: [deadContainer('app', 42)],
    expected: { ...kept, appsToStart: ['app'] },
  },
  {
    title: 'a changed image restarts whatever the policy',
    spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'app:2' }] },
    containers: [sampleContainer('app')],
    expected: { ...kept, appsToStart: ['app'], toKill: ['Container app definition changed, will be restarted'] },
  },
  {
    title: 'a failed liveness probe restarts',
    containers: [sampleContainer('app')],
    liveness: 'failure',
    expected: { ...kept, appsToStart: ['app'], toKill: ['Container app failed liveness probe, will be restarted'] },
  },
  {
    title: 'a failed startup probe under Never only kills',
    spec: { restartPolicy: 'Never', containers: [app, other] },
    containers: [sampleContainer('app'), sampleContainer('other')],
    startup: 'failure',
    expected: { ...kept, killPod: true, toKill: ['Container app failed startup probe', 'Container other failed startup probe'] },
  },
  {
    title: 'an unknown container is killed before it is started',
    containers: [sampleContainer('app', { state: 'unknown' })],
    expected: { ...kept, appsToStart: ['app'], toKill: ['Container is in "unknown" state, try killing it before restart'] },
  },
  {
    title: 'a container that was created only is started again',
    spec: { restartPolicy: 'Never' },
    containers: [sampleContainer('app', { state: 'created' })],
    expected: { ...kept, appsToStart: ['app'] },
  },
  {
    title: 'a running init container is waited for',
    spec: { initContainers: [init] },
    containers: [sampleContainer('init')],
    expected: kept,
  },
  {
    title: 'after a success comes the next init container',
    spec: { initContainers: [init, init2] },
    containers: [deadContainer('init', 0)],
    expected: { ...kept, initToStart: ['init2'] },
  },
  {
    title: 'after the last init container come the others',
    spec: { initContainers: [init] },
    containers: [deadContainer('init', 0)],
    expected: { ...kept, appsToStart: ['app'] },
  },
  {
    title: 'a failed init container is tried again',
    spec: { initContainers: [init, init2] },
    containers: [deadContainer('init', 1)],
    expected: { ...kept, initToStart: ['init'] },
  },
  {
    title: 'Never: a failed init container ends the pod',
    spec: { initContainers: [init], restartPolicy: 'Never' },
    containers: [deadContainer('init', 1)],
    expected: { ...kept, killPod: true },
  },
  {
    title: 'what ran once is initialised, even if init containers were removed',
    spec: { initContainers: [init] },
    containers: [sampleContainer('app')],
    expected: kept,
  },
  {
    title: 'the next starts once a sidecar runs',
    spec: { initContainers: [sidecar, init] },
    containers: [sampleContainer('sidecar')],
    expected: { ...kept, initToStart: ['init'] },
  },
  {
    title: 'a sidecar with a startup probe is waited for',
    spec: { initContainers: [{ ...sidecar, startupProbe }, init] },
    containers: [sampleContainer('sidecar')],
    startup: 'unknown',
    expected: kept,
  },
  {
    title: 'a sidecar that has started up lets the next one start',
    spec: { initContainers: [{ ...sidecar, startupProbe }] },
    containers: [sampleContainer('sidecar')],
    startup: 'success',
    expected: { ...kept, appsToStart: ['app'] },
  },
  {
    title: 'a sidecar that ended is started again, even under Never',
    spec: { initContainers: [sidecar], restartPolicy: 'Never' },
    containers: [deadContainer('sidecar', 0), sampleContainer('app')],
    expected: { ...kept, initToStart: ['sidecar'] },
  },
  {
    title: 'a sidecar does not keep a finished pod alive',
    spec: { initContainers: [sidecar], restartPolicy: 'Never' },
    containers: [sampleContainer('sidecar'), deadContainer('app', 0)],
    expected: { ...kept, killPod: true },
  },
  {
    title: 'what has exited may have lived in the sandbox before: initialisation is not over yet',
    spec: { initContainers: [init] },
    containers: [deadContainer('app', 1)],
    expected: { ...kept, initToStart: ['init'] },
  },
  {
    title: 'a regular container that was only created is proof that initialisation is over',
    spec: { initContainers: [init] },
    containers: [sampleContainer('app', { state: 'created' })],
    expected: { ...kept, appsToStart: ['app'] },
  },
  {
    title: "a failed init container ends the pod by its own policy, whatever the pod's",
    spec: { initContainers: [{ ...init, restartPolicy: 'Never' }] },
    containers: [deadContainer('init', 1)],
    expected: { ...kept, killPod: true },
  },
  {
    title: 'a failed init container is tried again by its own rule, under Never',
    spec: {
      restartPolicy: 'Never',
      initContainers: [
        {
          ...init,
          restartPolicy: 'Never',
          restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }],
        },
      ],
    },
    containers: [deadContainer('init', 42)],
    expected: { ...kept, initToStart: ['init'] },
  },
  {
    title: 'rules about exit codes have no say while there is none',
    spec: {
      restartPolicy: 'Never',
      containers: [{ ...app, restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'NotIn', values: [0] } }] }],
    },
    containers: [sampleContainer('app')],
    liveness: 'failure',
    expected: { ...kept, killPod: true, toKill: ['Container app failed liveness probe'] },
  },
  {
    title: 'a network that is not the one asked for means a new sandbox',
    spec: { hostNetwork: true },
    sandboxes: [sampleSandbox({ hostNetwork: false })],
    containers: [sampleContainer('app')],
    expected: { ...fresh, attempt: 1, appsToStart: ['app'] },
  },
  {
    title: 'ephemeral containers start once, even before initialisation',
    spec: {
      initContainers: [init],
      ephemeralContainers: [
        { name: 'debug', image },
        { name: 'old', image },
      ],
    },
    containers: [sampleContainer('init'), deadContainer('old', 1)],
    expected: { ...kept, ephemeralToStart: ['debug'] },
  },
]

test.each(cases)('$title', ({ spec, metadata, sandboxes = [sampleSandbox()], containers = [], liveness, startup, expected }) => {
  const pod = samplePod(spec, metadata)
  const probes = { liveness: () => liveness, startup: () => startup }
  const { toKill, ...rest } = computePodActions(pod, { sandboxes, containers }, probes)
  expect({ ...rest, toKill: toKill.map(kill => kill.message) }).toEqual({ toKill: [], ...expected })
})
