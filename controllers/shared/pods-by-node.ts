import { Pod } from '../../api/core/pod.ts'
import type { Index, ListerOf } from '../../client/controller.ts'

const name = 'node'
const noValues: readonly string[] = []

/** Files pods under the node they are bound to. All who find pods by node share this one index. */
export const podsByNode: Index = {
  kind: Pod,
  name,
  values: pod => {
    const { nodeName } = (pod as Pod).spec
    return nodeName ? [nodeName] : noValues
  },
}

/** The pods bound to a node, for those who declared `podsByNode`. */
export function podsOn(lister: ListerOf, nodeName: string): readonly Pod[] {
  return lister(Pod).by(name, nodeName)
}
