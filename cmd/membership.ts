import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { firstCertificate } from '../kubelet/certificates/bootstrap.ts'
import { discoverAuthority, JoinError } from '../kubelet/certificates/discovery.ts'
import { publicKeyPin } from '../kubelet/certificates/pins.ts'
import { type CertificateStore, certificateFile } from '../kubelet/certificates/store.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { KeyPair } from '../lib/x509/certificate.ts'
import type { AgentOptions } from './agent-flags.ts'
import { type ClusterIdentity, type DataDir, keepIdentity, knownIdentity } from './data-dir.ts'
import { UsageError } from './flags.ts'
import { pemFolder } from './pki.ts'

/** What makes this machine a node of a cluster. */
export interface Membership {
  readonly server: string
  /** The cluster's authority, PEM. */
  readonly ca: string
  /** The mark of the cluster's containers, the same on all machines. */
  readonly cluster: string
  readonly client: { readonly store: CertificateStore; readonly pair: KeyPair }
  readonly serving: { readonly store: CertificateStore; readonly pair: KeyPair | undefined }
}

interface Dependencies {
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * What is kept in the data dir from the last time, as long as it is good; else joins with a token, and keeps that. Throws a UsageError
 * that says why this machine cannot be a node.
 */
export async function membership(options: AgentOptions, dir: DataDir, dependencies: Dependencies): Promise<Membership> {
  const pki = pemFolder(dir.pki)
  const stores = {
    client: certificateFile(dir.pki, 'kubelet-client-current'),
    serving: certificateFile(dir.pki, 'kubelet-server-current'),
  }
  const identity = knownIdentity(dir)
  const [ca, pair, serving] = await Promise.all([pki.read('ca.crt'), stores.client.read(), stores.serving.read()])
  if (identity && identity.node?.name !== undefined && identity.node.name !== options.nodeName)
    throw new UsageError(`${dir.path} belongs to node "${identity.node.name}"; use another --data-dir for "${options.nodeName}"`)
  if (identity && !identity.node) throw new UsageError(`${dir.path} belongs to a whole cluster; use another --data-dir`)

  const server = options.server ?? identity?.node?.server
  const isKept = ca !== undefined && pair !== undefined && isValid(pair, dependencies.clock.now())
  if (server !== undefined && isKept) {
    remember(dir, options, server, ca)
    return {
      server,
      ca,
      cluster: clusterMark(ca),
      client: { store: stores.client, pair },
      serving: { store: stores.serving, pair: serving },
    }
  }
  if (options.server === undefined && server === undefined)
    throw new UsageError('this machine has not joined a cluster yet: --server and --token are needed')
  const { token } = options
  if (token === undefined) {
    const why = pair ? 'the certificate in the data dir has expired' : 'this machine has not joined a cluster yet'
    throw new UsageError(`${why}: --token is needed; "wherry token create" on the server makes one`)
  }
  try {
    return await joined(options, dir, { server: server ?? '', token, stores, ...dependencies })
  } catch (error) {
    if (error instanceof JoinError) throw new UsageError(`cannot join: ${error.message}`, { cause: error })
    throw error
  }
}

interface Joining extends Dependencies {
  readonly server: string
  readonly token: string
  readonly stores: { readonly client: CertificateStore; readonly serving: CertificateStore }
}

async function joined(
  options: AgentOptions,
  dir: DataDir,
  { server, token, stores, ...dependencies }: Joining,
): Promise<Membership> {
  const { pins, caFile, nodeName } = options
  const ca = caFile === undefined ? await discoverAuthority({ server, token, pins, ...dependencies }) : authorityFile(caFile)
  const pair = await firstCertificate({ server, ca, token, nodeName, ...dependencies })
  await pemFolder(dir.pki).write('ca.crt', ca)
  await stores.client.write(pair)
  remember(dir, options, server, ca)
  dependencies.log.info({ node: nodeName, server }, 'this machine has joined the cluster')
  return {
    server,
    ca,
    cluster: clusterMark(ca),
    client: { store: stores.client, pair },
    serving: { store: stores.serving, pair: undefined },
  }
}

function remember(
  dir: DataDir,
  { nodeName, dockerHost = process.env.DOCKER_HOST }: AgentOptions,
  server: string,
  ca: string,
): void {
  const node = { name: nodeName, server, ...(dockerHost && { dockerHost }) }
  const identity: ClusterIdentity = { id: clusterMark(ca), podCIDR: '', serviceCIDR: '', node }
  if (JSON.stringify(knownIdentity(dir)) !== JSON.stringify(identity)) keepIdentity(dir, identity)
}

/** Eight letters that all nodes of a cluster come to without asking. */
const clusterMark = (ca: string) => publicKeyPin(ca).slice('sha256:'.length, 'sha256:'.length + 8)

function authorityFile(path: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    new X509Certificate(text)
    return text
  } catch (error) {
    throw new UsageError(`--ca-file: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const isValid = ({ certificate }: KeyPair, now: number) => Date.parse(new X509Certificate(certificate).validTo) > now
