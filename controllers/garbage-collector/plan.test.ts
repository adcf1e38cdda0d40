import { expect, test } from 'vitest'
import type { KubeObject, OwnerReference } from '../../api/transport.ts'
import { type Decision, type OwnerState, plan } from './plan.ts'

const owner = (state: OwnerState, i = 0): OwnerReference => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: `rs-${i}`,
  uid: `${state}-${i}`,
  blockOwnerDeletion: true,
})
const stateOf = ({ uid }: OwnerReference) => uid.split('-')[0] as OwnerState

function object(metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x', uid: 'x', resourceVersion: '1', creationTimestamp: '', ...metadata },
  }
}
const owned = (...states: OwnerState[]) => object({ ownerReferences: states.map(owner) })
const dependent = object()
const waitingDependent = object({ deletionTimestamp: 'now', finalizers: ['foregroundDeletion'] })
const gone = 'its owner ReplicaSet rs-0 is gone'
const waits = 'its owner ReplicaSet rs-0 waits for its dependents to go'
const remove = (propagation: 'Background' | 'Foreground' | 'Orphan', because = gone, unblock = false): Decision => ({
  type: 'delete',
  propagation,
  unblock,
  because,
})

test.each<[string, KubeObject, KubeObject[], Decision]>([
  ['nobody owns it', object(), [], { type: 'keep' }],
  ['its owner is there', owned('solid'), [], { type: 'keep' }],
  [
    'it is on its way out already',
    object({ deletionTimestamp: 'now', ownerReferences: [owner('absent')] }),
    [],
    { type: 'keep' },
  ],
  ['its owner is gone', owned('absent'), [], remove('Background')],
  ['one of two owners is gone', owned('absent', 'solid'), [], { type: 'forget', uids: ['absent-0'] }],
  ['one is there, one waits', owned('solid', 'waiting'), [], { type: 'forget', uids: ['waiting-1'] }],
  ['its owner waits, and it has no dependents', owned('waiting'), [], remove('Background', waits)],
  ['its owner waits, and it has dependents', owned('waiting'), [dependent], remove('Foreground', waits)],
  ['its owner waits, and so does its dependent', owned('waiting'), [waitingDependent], remove('Foreground', waits, true)],
  ['gone, with dependents', owned('absent'), [dependent], remove('Background')],
  [
    'gone, and it wants its own to stay',
    object({ ownerReferences: [owner('absent')], finalizers: ['orphan'] }),
    [],
    remove('Orphan'),
  ],
  [
    'gone, and it wants to wait for its own',
    object({ ownerReferences: [owner('absent')], finalizers: ['foregroundDeletion'] }),
    [],
    remove('Foreground'),
  ],
])('%s', (_name, item, dependents, expected) => {
  expect(plan(item, stateOf, dependents)).toEqual(expected)
})
