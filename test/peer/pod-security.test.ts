import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestCluster, testCertificates, testCluster } from '../support/cluster.ts'
import { kubectlBinaries } from './kubectl/binaries.ts'
import { type Kubectl, kubectl, until } from './kubectl/kubectl.ts'

/** Pod Security, as people see it through the real kubectl: refusals, warnings, and what is said about pods that are there. */

const [binary] = kubectlBinaries().slice(-1)
const label = 'pod-security.kubernetes.io'
let cluster: TestCluster
let folder: string
let k: Kubectl

beforeAll(async () => {
  if (!binary) throw new Error('there is no kubectl here; NOTHING WAS TESTED')
  cluster = await testCluster({ simulated: 1 })
  folder = await mkdtemp(join(tmpdir(), 'wherry-pod-security-'))
  const { ca, clients } = await testCertificates()
  const base64 = (text = '') => Buffer.from(text).toString('base64')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${cluster.port}`, 'certificate-authority-data': base64(ca) } }],
    users: [
      {
        name: 'u',
        user: { 'client-certificate-data': base64(clients.admin?.certificate), 'client-key-data': base64(clients.admin?.key) },
      },
    ],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }
  await writeFile(join(folder, 'kubeconfig'), JSON.stringify(config), { mode: 0o600 })
  k = await kubectl(binary, join(folder, 'kubeconfig'), folder)
  await k.ok(`create namespace ${k.namespace}`)
  await until(async () => void (await k.ok('get serviceaccount default')))
})
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]()
  if (folder) await rm(folder, { recursive: true, force: true })
})

const restricted =
  'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), ' +
  'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), ' +
  'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), ' +
  'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'

test('a stricter label tells of pods that are there; they go on', async () => {
  await k.ok('run a --image=busybox --privileged')
  const { code, err } = await k.run(`label namespace ${k.namespace} ${label}/enforce=baseline`)
  expect(code).toBe(0)
  expect(err.trim().split('\n')).toEqual([
    `Warning: existing pods in namespace "${k.namespace}" violate the new PodSecurity enforce level "baseline:latest"`,
    'Warning: a: privileged',
  ])
  expect(await k.ok('get pod a -o name')).toBe('pod/a\n')
  await k.ok('delete pod a --now')
})

test('a pod that does not meet the standard is refused', async () => {
  expect(await k.refused('run a --image=busybox --privileged')).toBe(
    'Error from server (Forbidden): pods "a" is forbidden: violates PodSecurity "baseline:latest": privileged ' +
      '(container "a" must not set securityContext.privileged=true)\n',
  )
})

test('warnings stand beside the answer, for pods and for what makes them', async () => {
  await k.ok(`label namespace ${k.namespace} ${label}/warn=restricted`)
  const pod = await k.run('run a --image=busybox')
  expect([pod.code, pod.out]).toEqual([0, 'pod/a created\n'])
  expect(pod.err).toBe(`Warning: would violate PodSecurity "restricted:latest": ${restricted}\n`)
  const deployment = await k.run('create deployment a --image=a')
  expect(deployment.code).toBe(0)
  expect(deployment.err).toBe(`Warning: would violate PodSecurity "restricted:latest": ${restricted}\n`)
})

test('a level that there is not', async () => {
  expect(await k.refused(`label namespace ${k.namespace} --overwrite ${label}/enforce=strict`)).toContain(
    `metadata.labels[${label}/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted`,
  )
})
