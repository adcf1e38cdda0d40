import { AppsV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { testCertificates } from '../support/cluster.ts'

/** client-node as the administrator of a cluster in this process. */
export async function connection(port: number) {
  const { ca, clients } = await testCertificates()
  const { certificate = '', key = '' } = clients.admin ?? {}
  const inBase64 = (text: string) => Buffer.from(text).toString('base64')
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: [{ name: 'test', server: `https://127.0.0.1:${port}`, caData: inBase64(ca) }],
    users: [{ name: 'admin', certData: inBase64(certificate), keyData: inBase64(key) }],
    contexts: [{ name: 'test', cluster: 'test', user: 'admin', namespace: 'default' }],
    currentContext: 'test',
  })
  return { config, core: config.makeApiClient(CoreV1Api), apps: config.makeApiClient(AppsV1Api) }
}
