import { ConfigMap } from '../../api/core/config-map.ts'
import { Namespace } from '../../api/core/namespace.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { deepEqual } from '../../lib/json.ts'
import { ignoreLateness, isInUse, namespaceOf } from './service-account.ts'

const name = 'kube-root-ca.crt'

/** Puts the cluster's CA (PEM) into every namespace, where pods find it beside their token (pkg/controller/certificates/rootcacertpublisher). */
export function rootCaPublisher(ca: string): Controller {
  const data = { 'ca.crt': ca }
  return {
    name: 'root-ca-certificate-publisher',
    watches: [on(Namespace), on(ConfigMap, namespaceOf(name))],
    writes: [ConfigMap],

    async reconcile({ client, lister }, key) {
      if (!isInUse(lister(Namespace).get(key))) return
      const known = lister(ConfigMap).get(`${key}/${name}`)
      if (!known) {
        const note = { rule: 'root-ca/missing', text: `namespace ${key} lacks the cluster's certificate authority` }
        await client.create(ConfigMap, { metadata: { namespace: key, name }, data }, { note }).catch(ignoreLateness)
      } else if (!deepEqual(known.data, data)) {
        const note = { rule: 'root-ca/changed', text: `namespace ${key} had another certificate authority` }
        await client.update(ConfigMap, { ...known, data }, { note })
      }
    },
  }
}
