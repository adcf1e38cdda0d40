import { Pod } from '../../api/core/pod.ts'
import type { Client } from '../../client/client.ts'
import type { Plugin } from '../framework.ts'

/** Writes the decision: a POST of `pods/NAME/binding`, for that very pod and no later one of its name (plugins/defaultbinder). */
export function defaultBinder({ client }: { client: Client }): Plugin {
  return {
    name: 'DefaultBinder',
    async bind({ pod }, nodeName, { wokenBy, note }) {
      const { name, namespace, uid } = pod.pod.metadata
      const body = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
      }
      await client
        .as({ actor: 'scheduler', wokenBy })
        .createSubresource(Pod, { namespace, name }, 'binding', body, note && { note })
    },
    wakes: {},
  }
}
