import { afterAll, beforeAll } from 'vitest'
import type { TestCluster, TestClusterOptions } from './cluster.ts'
import { type RealPods, realCluster, realPods } from './real-pods.ts'

/** For the tests of a file: a cluster with one node on the real engine, which goes with them, and a namespace. */
export function conformancePods(name: string, options: TestClusterOptions = {}): () => RealPods {
  let cluster: TestCluster | undefined
  let pods: RealPods | undefined
  beforeAll(async () => {
    cluster = await realCluster(options)
    pods = await realPods(cluster, name)
  })
  afterAll(() => cluster?.stop())
  return () => {
    if (!pods) throw new Error('the cluster of these tests did not start')
    return pods
  }
}
