import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { seededRandom } from '../lib/random.ts'
import {
  chosenDataDir,
  clusterIdentity,
  dataDir,
  markRunning,
  markStopped,
  processStart,
  type RunningCluster,
  runningCluster,
  writeWhole,
} from './data-dir.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'wherry-home-'))
  process.env.WHERRY_HOME = home
})
afterEach(() => {
  delete process.env.WHERRY_HOME
  rmSync(home, { recursive: true })
})

const running = (path: string, over: Partial<RunningCluster> = {}): RunningCluster => ({
  ...{ pid: process.pid, started: processStart(process.pid), version: '1', port: 1, dataDir: path, kubeconfig: '', nodes: 1 },
  ...{ simulatedNodes: 0, runtime: 'docker', store: 'level', ...over },
})

test('who a cluster is gets decided once', async () => {
  const dir = dataDir(join(home, 'a'))
  const first = await clusterIdentity(dir, seededRandom(1), async () => '10.200.0.0/16')
  const again = await clusterIdentity(dir, seededRandom(2), async () => '10.201.0.0/16')
  expect(again).toEqual(first)
  expect(first.podCIDR).toBe('10.200.0.0/16')
})

test('a cluster runs while its very process does', () => {
  const dir = dataDir(join(home, 'a'))
  expect(runningCluster(dir)).toBeUndefined()
  markRunning(dir, running(dir.path))
  expect(runningCluster(dir)?.pid).toBe(process.pid)
  markRunning(dir, running(dir.path, { started: 'another process of that number' }))
  expect(runningCluster(dir)).toBeUndefined()
  markRunning(dir, running(dir.path))
  markStopped(dir)
  expect(runningCluster(dir)).toBeUndefined()
})

test('commands mean the default cluster if it runs, else the last one started, else the default', () => {
  const other = dataDir(join(home, 'other'))
  expect(chosenDataDir(undefined).path).toBe(join(home, 'default'))
  markRunning(other, running(other.path))
  expect(chosenDataDir(undefined).path).toBe(other.path)
  markRunning(dataDir(), running(dataDir().path))
  expect(chosenDataDir(undefined).path).toBe(join(home, 'default'))
  expect(chosenDataDir(other.path).path).toBe(other.path)
})

test('without its identity a cluster is not taken for a new one; a damaged note of who runs says that nobody does', async () => {
  const dir = dataDir(join(home, 'a'))
  markRunning(dir, running(dir.path))
  writeFileSync(join(dir.path, 'running.json'), '{"pid":')
  expect(runningCluster(dir)).toBeUndefined()
  writeFileSync(join(dir.path, 'cluster.json'), '{"id":')
  const identity = clusterIdentity(dir, seededRandom(1), async () => '10.200.0.0/16')
  await expect(identity).rejects.toThrow(`${join(dir.path, 'cluster.json')} is damaged`)
})

test('what is written is whole, and only for its owner', () => {
  const file = join(home, 'x', 'kubeconfig')
  writeWhole(file, 'secret')
  expect(statSync(file).mode & 0o777).toBe(0o600)
})
