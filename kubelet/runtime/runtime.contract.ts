import { describe } from 'vitest'
import { commandContract } from './contract/commands.contract.ts'
import { containerContract } from './contract/containers.contract.ts'
import { figureContract } from './contract/figures.contract.ts'
import { logContract } from './contract/logs.contract.ts'
import { sandboxContract } from './contract/sandboxes.contract.ts'
import { contractSuite, type RuntimeUnderTest } from './contract/suite.contract.ts'

/** What every runtime must do, whatever its containers are made of. */
export function runtimeContract(name: string, make: () => Promise<RuntimeUnderTest>): void {
  describe(`${name} runtime`, () => {
    const suite = contractSuite(make)
    describe('sandboxes', () => sandboxContract(suite))
    describe('containers', () => containerContract(suite))
    describe('logs', () => logContract(suite))
    describe('commands', () => commandContract(suite))
    describe('figures', () => figureContract(suite))
  })
}
