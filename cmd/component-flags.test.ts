import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseControllerManager, parseScheduler } from './component-flags.ts'
import { dataDir, keepIdentity } from './data-dir.ts'
import { UsageError } from './flags.ts'
import { parseUp } from './options.ts'
import { readSchedulerConfig } from './scheduler-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'wherry-flags-'))
const dir = dataDir(join(folder, 'cluster'))
keepIdentity(dir, { id: 'x', podCIDR: '10.200.0.0/16', serviceCIDR: '10.96.0.0/16' })
const alone = join(folder, 'kubeconfig')
for (const file of [alone, dir.controllerManagerKubeconfig, dir.schedulerKubeconfig]) writeFileSync(file, '')
afterAll(() => rmSync(folder, { recursive: true }))

const usual = { election: { leaseDurationInMs: 15_000, renewDeadlineInMs: 10_000, retryPeriodInMs: 2000 }, logLevel: 'warn' }

test('a data dir says all that a component needs', () => {
  expect(parseControllerManager(['--data-dir', dir.path])).toEqual({
    ...usual,
    kubeconfig: dir.controllerManagerKubeconfig,
    dataDir: dir,
    controllers: ['*'],
  })
  expect(parseScheduler(['--data-dir', dir.path])).toEqual({ ...usual, kubeconfig: dir.schedulerKubeconfig })
})

test('a kubeconfig in a data dir says where that is; elsewhere there is none', () => {
  expect(parseControllerManager(['--kubeconfig', dir.controllerManagerKubeconfig])).toMatchObject({ dataDir: dir })
  expect(parseControllerManager(['--kubeconfig', alone])).not.toHaveProperty('dataDir')
  expect(parseControllerManager(['--kubeconfig', alone, '--data-dir', dir.path])).toMatchObject({
    kubeconfig: alone,
    dataDir: dir,
  })
})

test.each([
  [['--kubeconfig', join(folder, 'no')], 'there is no'],
  [['--data-dir', join(folder, 'no')], 'there is no cluster in'],
  [['--kubeconfig', alone, '--leader-elect-lease-duration', '1s'], 'must be greater than'],
])('%j is refused', (args, message) => {
  expect(() => parseScheduler(args)).toThrow(UsageError)
  expect(() => parseControllerManager(args)).toThrow(message)
})

test('a scheduler takes a configuration file, and tells what is wrong with it', async () => {
  const file = join(folder, 'scheduler.yaml')
  const header = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n'
  writeFileSync(file, `${header}profiles: [{schedulerName: other}]\n`)
  expect(parseScheduler(['--data-dir', dir.path, '--config', file])).toMatchObject({ config: file })
  expect(parseUp(['--scheduler-config', file])).toMatchObject({ schedulerConfig: file })
  expect(await readSchedulerConfig('config', file)).toMatchObject({ profiles: [{ schedulerName: 'other' }] })
  writeFileSync(file, `${header}profile: []\n`)
  await expect(readSchedulerConfig('config', file)).rejects.toThrow(
    `--config ${file}: strict decoding error: unknown field "profile"`,
  )
  await expect(readSchedulerConfig('config', join(folder, 'no'))).rejects.toThrow(UsageError)
})

test('a cluster can leave controllers and scheduler to others, or leave out some', () => {
  const up = (...args: string[]) => {
    const options = parseUp(args)
    return options === 'help' ? options : options.controlPlane
  }
  expect(up('--controller-manager', 'false', '--scheduler=false')).toEqual({ withoutControllers: true, withoutScheduler: true })
  expect(up('--controllers=*,-deployment-controller')).toEqual({ controllers: ['*', '-deployment-controller'] })
  expect(() => up('--controllers=*,-nothing')).toThrow('--controllers: "nothing" is not in the list of known controllers: ')
  expect(up('--leader-elect=false')).toEqual({ election: 'none' })
})
