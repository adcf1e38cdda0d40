import { configMap, genericSecret, registrySecret, tlsSecret } from './configuration.ts'
import type { Generator } from './generator.ts'
import { namespace, serviceAccount } from './identity.ts'
import { ingress } from './ingress.ts'
import { cronJob, job } from './job.ts'
import { disruptionBudget, priorityClass, quota } from './policy.ts'
import { clusterRole, clusterRoleBinding, role, roleBinding } from './rbac.ts'
import { services } from './service.ts'
import { deployment } from './workload.ts'

/** Everything that `create` can make without a file. */
export const generators: readonly Generator[] = [
  namespace,
  deployment,
  job,
  cronJob,
  ...services,
  ingress,
  configMap,
  genericSecret,
  tlsSecret,
  registrySecret,
  serviceAccount,
  role,
  clusterRole,
  roleBinding,
  clusterRoleBinding,
  quota,
  disruptionBudget,
  priorityClass,
]

/** The generator that words call for, and the words after its name. */
export function findGenerator(words: readonly string[]): { generator: Generator; rest: readonly string[] } | undefined {
  for (const generator of generators) {
    for (const name of [generator.name, ...(generator.aliases ?? [])]) {
      const parts = name.split(' ')
      if (parts.every((part, i) => words[i] === part)) return { generator, rest: words.slice(parts.length) }
    }
  }
  return undefined
}
