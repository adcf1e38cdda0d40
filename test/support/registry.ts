import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { pauseProgram } from '../../kubelet/runtime/docker/pause-program.ts'
import { engineCall } from './engine.ts'
import { type ImageFile, tar } from './images.ts'

/** What a registry does with those who ask for a repository. */
export interface Repository {
  /** `user:password` of those who may pull; absent: everybody. */
  readonly users?: readonly string[]
  /** Before each layer is sent. */
  readonly slowMs?: number
  /** Answers nothing but this status. */
  readonly status?: number
  /** More files of its image. */
  readonly files?: readonly ImageFile[]
}

export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:port`: engines take plain HTTP from there without being told. */
  readonly host: string
  /** The digest of an image's manifest; every repository has one image of its own, under the tags `1` and `latest`. */
  digest(repository: string): string
  /** Who has asked for a repository's manifest, in their order; empty for nobody in particular. */
  askers(repository: string): readonly string[]
}

const schema = 'application/vnd.docker.distribution.manifest.v2+json'
const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** An image that sleeps forever, unlike any other. */
function makeBlobs({ files: more = [] }: Repository): { manifest: Buffer; blobs: Map<string, Buffer> } {
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const files = tar([
    { path: 'pause', mode: 0o755, content: Buffer.from(pauseProgram(arch)) },
    { path: 'unique', content: randomBytes(16) },
    ...more,
  ])
  const layer = gzipSync(files)
  const config = Buffer.from(
    JSON.stringify({
      ...{ architecture: arch, os: 'linux', created: '2024-01-01T00:00:00Z', config: { Cmd: ['/pause'] } },
      rootfs: { type: 'layers', diff_ids: [digestOf(files)] },
      history: [{ created: '2024-01-01T00:00:00Z' }],
    }),
  )
  const part = (mediaType: string, bytes: Buffer) => ({ mediaType, size: bytes.length, digest: digestOf(bytes) })
  const manifest = Buffer.from(
    JSON.stringify({
      ...{ schemaVersion: 2, mediaType: schema },
      config: part('application/vnd.docker.container.image.v1+json', config),
      layers: [part('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
    }),
  )
  return { manifest, blobs: new Map([config, layer].map(bytes => [digestOf(bytes), bytes])) }
}

/** A registry (distribution spec v2) on this machine, for pulls only. What was pulled from it goes with it. */
export async function testRegistry(repositories: Readonly<Record<string, Repository>>): Promise<Registry> {
  const made = new Map(Object.entries(repositories).map(([name, repository]) => [name, makeBlobs(repository)]))
  const asked = new Map<string, string[]>()
  const userOf = ({ headers }: IncomingMessage) => Buffer.from(headers.authorization?.split(' ')[1] ?? '', 'base64').toString()

  const server = createServer((request, response) => {
    const answer = (status: number, body: string | Buffer, headers: Record<string, string> = {}) => {
      response.writeHead(status, {
        'docker-distribution-api-version': 'registry/2.0',
        'content-length': Buffer.byteLength(body),
        ...headers,
      })
      response.end(request.method === 'HEAD' ? '' : body)
    }
    const fault = (status: number, code: string, headers?: Record<string, string>) =>
      answer(status, JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] }), {
        'content-type': 'application/json',
        ...headers,
      })
    const user = userOf(request)
    // Who comes without credentials hears here that there are some.
    const basic = { 'www-authenticate': 'Basic realm="test"' }
    if (request.url === '/v2/') return user === '' && hasUsers ? fault(401, 'UNAUTHORIZED', basic) : answer(200, '{}')
    const [, name = '', what, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? []
    const repository = repositories[name]
    const image = made.get(name)
    if (!repository || !image) return fault(404, 'NAME_UNKNOWN')
    if (what === 'manifests') asked.set(name, [...(asked.get(name) ?? []), user])
    if (repository.status) return fault(repository.status, 'UNAVAILABLE')
    if (repository.users && !repository.users.includes(user)) return fault(401, 'UNAUTHORIZED', basic)
    if (what === 'manifests') {
      const digest = digestOf(image.manifest)
      if (![digest, '1', 'latest'].includes(reference)) return fault(404, 'MANIFEST_UNKNOWN')
      return answer(200, image.manifest, { 'content-type': schema, 'docker-content-digest': digest })
    }
    const blob = image.blobs.get(reference)
    if (!blob) return fault(404, 'BLOB_UNKNOWN')
    setTimeout(() => answer(200, blob, { 'content-type': 'application/octet-stream' }), repository.slowMs ?? 0)
  })
  const hasUsers = Object.values(repositories).some(({ users }) => users)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    host,
    digest: name => digestOf(made.get(name)?.manifest ?? Buffer.alloc(0)),
    askers: name => asked.get(name) ?? [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      const images = await engineCall<{ Id: string; RepoTags: string[] | null; RepoDigests: string[] | null }[]>(
        'GET',
        '/images/json',
      )
      for (const { Id, RepoTags, RepoDigests } of images)
        if ([...(RepoTags ?? []), ...(RepoDigests ?? [])].some(name => name.startsWith(`${host}/`)))
          await engineCall('DELETE', `/images/${Id}?force=1`).catch(() => undefined)
    },
  }
}
