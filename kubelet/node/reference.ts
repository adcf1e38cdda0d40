import type { KubeObject } from '../../api/transport.ts'

/** The node as events name it: by its name as uid, so that `describe node` finds them even when the object is new. */
export function nodeReference(nodeName: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName, uid: nodeName, resourceVersion: '', creationTimestamp: '' },
  }
}
