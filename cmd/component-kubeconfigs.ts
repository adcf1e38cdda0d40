import { users } from '../api/user.ts'
import { ensureCertificates } from '../apiserver/auth/certificates.ts'
import { formatKubeconfig, kubeconfigFor } from '../client/kubeconfig.ts'
import type { Clock } from '../lib/clock.ts'
import { type DataDir, writeWhole } from './data-dir.ts'
import { pemFolder } from './pki.ts'

/** Writes down how components that run in processes of their own reach the server of this data dir, and who they are to it. */
export async function writeComponentKubeconfigs(dir: DataDir, server: string, clock: Clock): Promise<void> {
  const { ca, clients } = await ensureCertificates({
    store: pemFolder(dir.pki),
    clock,
    clients: { 'controller-manager': users.controllerManager, scheduler: users.scheduler },
  })
  const files = { 'controller-manager': dir.controllerManagerKubeconfig, scheduler: dir.schedulerKubeconfig }
  for (const [name, file] of Object.entries(files)) {
    const pair = clients[name]
    const access = kubeconfigFor('wherry', { server, ca, ...(pair && { cert: pair.certificate, key: pair.key }) })
    writeWhole(file, await formatKubeconfig(access))
  }
}
