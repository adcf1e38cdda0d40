import type { Generator } from './generator.ts'

export const namespace: Generator = {
  name: 'namespace',
  aliases: ['ns'],
  usage: 'namespace NAME',
  flags: {},
  make: (_, name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
}

export const serviceAccount: Generator = {
  name: 'serviceaccount',
  aliases: ['sa'],
  usage: 'serviceaccount NAME',
  flags: {},
  make: (_, name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } }),
}
