import { createHash } from 'node:crypto'
import { lastAppliedText } from '../apply/last-applied.ts'
import type { Manifest } from './generator.ts'

const letters: Readonly<Record<string, string>> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' }

/** The object with a hash of what is in it at the end of its name, so that other contents are another object (k8s.io/kubectl/pkg/util/hash). */
export function withHashedName(object: Manifest): Manifest {
  const { kind, metadata, data, binaryData, type } = object
  const told =
    kind === 'Secret'
      ? { kind, type: type ?? '', name: metadata.name, data: data ?? {} }
      : { kind, name: metadata.name, data: data ?? null, ...(binaryData !== undefined && { binaryData }) }
  const digits = createHash('sha256').update(lastAppliedText(told).trimEnd()).digest('hex').slice(0, 10)
  const hash = [...digits].map(digit => letters[digit] ?? digit).join('')
  return { ...object, metadata: { ...metadata, name: `${metadata.name}-${hash}` } }
}
