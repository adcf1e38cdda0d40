import type Docker from 'dockerode'
import type { ImageInspectInfo } from 'dockerode'
import { type ImageInfo, type ImageService, RuntimeError } from '../runtime.ts'
import { failAs, readable, unless } from './connection.ts'
import type { DockerEngine } from './engine.ts'
import { pauseImage } from './pause-image.ts'
import { unpackImage } from './unpack-image.ts'

const untagged = (name: string) => name.startsWith('<none>')
const none: string[] = []

export function dockerImages(engine: DockerEngine): ImageService {
  const inspect = (image: string) => engine.read(docker => docker.getImage(image).inspect()).catch(unless(404))
  return {
    async status(image) {
      const info = await inspect(image)
      return info && imageOf(info)
    },

    async pull(image, auth, onProgress) {
      const opened = engine.open(docker => {
        const authconfig = auth && { username: auth.username, password: auth.password, serveraddress: auth.server ?? '' }
        return docker.createImage(authconfig, pullQuery(image)) as Promise<NodeJS.ReadableStream>
      })
      const done = opened.catch(failAs('image')).then(stream => follow(readable(stream), onProgress))
      await done.catch(tellUnavailable)
      const info = await inspect(image)
      if (!info) throw new RuntimeError('image', `${image} was pulled but is not here`)
      return info.Id
    },

    async list() {
      const images = await engine.read(docker => docker.listImages())
      return images
        .filter(image => !(image.RepoTags ?? none).includes(pauseImage))
        .map(image => ({
          id: image.Id,
          tags: (image.RepoTags ?? none).filter(tag => !untagged(tag)),
          digests: (image.RepoDigests ?? none).filter(digest => !untagged(digest)),
          sizeInBytes: image.Size,
          user: '',
        }))
    },

    async remove(image) {
      // Without force: what somebody else's container uses stays.
      await engine.change('finish', docker => docker.getImage(image).remove()).catch(unless(404))
    },
    unpack: (id, folder) => unpackImage(engine, id, folder),
    async inUse() {
      const containers = await engine.read(docker => docker.listContainers({ all: true }))
      return new Set(containers.map(({ ImageID }) => ImageID))
    },
  }
}

function imageOf({ Id, RepoTags, RepoDigests, Size, Config }: ImageInspectInfo): ImageInfo {
  const digests = (RepoDigests ?? none).filter(digest => !untagged(digest))
  return { id: Id, tags: RepoTags ?? none, digests, sizeInBytes: Size, user: Config?.User ?? '' }
}

/** The name of the image's digest in a registry, or its id if it never came from one; asked for once per image. */
export function imageRefs(engine: DockerEngine): (imageId: string) => Promise<string> {
  const known = new Map<string, string>()
  return async imageId => {
    const ref = known.get(imageId)
    if (ref !== undefined) return ref
    const info = await engine.read(docker => docker.getImage(imageId).inspect()).catch(unless(404))
    const found = info?.RepoDigests?.find(digest => !untagged(digest)) ?? imageId
    if (info) known.set(imageId, found)
    return found
  }
}

/** A registry that is down has a name of its own, as Kubernetes' runtimes for Docker have it (cri-dockerd, filterHTTPError). */
function tellUnavailable(error: unknown): never {
  if (error instanceof RuntimeError && /unexpected HTTP status: 50[234]/.test(error.message))
    throw new RuntimeError('image', `RegistryUnavailable: ${error.message}`, { cause: error })
  throw error
}

/** Without a tag Docker would pull every tag there is. */
function pullQuery(image: string): Docker.ImagePushOptions & { fromImage: string } {
  const tagged = image.includes('@') || /:[^/]+$/.test(image)
  return { fromImage: tagged ? image : `${image}:latest` }
}

/** Reads the progress to its end; an error in the middle comes as one more line. */
async function follow(stream: AsyncIterable<Uint8Array>, onProgress: ((text: string) => void) | undefined): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.trim() === '') continue
      const { id, status, progress, error } = JSON.parse(line) as Record<string, string | undefined>
      if (error !== undefined) throw new RuntimeError('image', error)
      onProgress?.([id && `${id}:`, status, progress].filter(Boolean).join(' '))
    }
  }
}
