import { createWriteStream, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { aborted, type Run } from '../../lib/run.ts'
import { type Auditor, auditor } from './auditor.ts'
import { type Policy, parsePolicy } from './policy.ts'

/** Reads a policy from a file of YAML or JSON; throws an Error that says what is wrong with it. */
export async function readPolicy(path: string): Promise<Policy> {
  const { parse } = await import('yaml')
  return parsePolicy(parse(await readFile(path, 'utf8')))
}

/** Everything at the level of metadata: for who wants a log and has no policy. */
export const metadataOfEverything: Policy = parsePolicy({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  rules: [{ level: 'Metadata' }],
})

interface Options {
  /** Lines are added to it. Only the owner may read it. */
  readonly path: string
  readonly policy: Policy
  readonly clock: Clock
  readonly log: Log
}

/** An audit log in a file; throws when that cannot be opened. `run` resolves when everything is in the file. What the disk refuses is lost, and the log says so. */
export function auditFile({ path, policy, clock, log }: Options): { readonly auditor: Auditor; readonly run: Run } {
  const stream = createWriteStream(path, { fd: openSync(path, 'a', 0o600) })
  stream.on('error', err => log.error({ err, path }, 'the audit log cannot be written'))
  const sink = { write: (line: string) => void stream.write(line) }
  return {
    auditor: auditor({ policy, sink, clock }),
    async run(signal) {
      await aborted(signal)
      await new Promise<void>(resolve => (stream.destroyed ? resolve() : stream.end(resolve)))
    },
  }
}
