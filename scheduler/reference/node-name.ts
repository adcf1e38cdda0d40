import type { ReferencePlugin } from './cluster.ts'

const name = 'NodeName'

/** A pod that names its node gets that one or none (plugins/nodename). */
export const nodeName: ReferencePlugin = {
  name,
  filter: ({ spec }, { metadata }) =>
    spec.nodeName && spec.nodeName !== metadata.name
      ? { code: 'Unresolvable', plugin: name, reasons: ["node(s) didn't match the requested node name"] }
      : undefined,
}
