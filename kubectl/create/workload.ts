import { flag } from '../command.ts'
import type { Generator } from './generator.ts'

export const deployment: Generator = {
  name: 'deployment',
  aliases: ['deploy'],
  usage: 'deployment NAME --image=IMAGE [--replicas=N] [--port=PORT] [-- COMMAND ARGS...]',
  flags: {
    image: { type: 'list', help: 'The image of its container; several give several containers' },
    replicas: { type: 'int', short: 'r', help: 'How many pods', placeholder: '1' },
    port: { type: 'int', help: 'A port that the first container listens on' },
  },
  make(context, name) {
    const images = flag.list(context, 'image').flatMap(list => list.split(','))
    const command = context.afterDash ?? []
    const port = flag.number(context, 'port')
    if (images.length === 0) throw new Error('required flag(s) "image" not set')
    if (images.length > 1 && command.length > 0) throw new Error('cannot specify multiple --image options and command')
    const labels = { app: name }
    const containers = images.map((image, i) => ({
      image,
      name: containerName(image),
      ...(command.length > 0 && { command }),
      ...(i === 0 && port !== undefined && { ports: [{ containerPort: port }] }),
    }))
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { labels, name },
      spec: {
        replicas: flag.number(context, 'replicas') ?? 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    }
  },
}

/** What a container is called after its image: the last part of the path, without tag and digest. */
export function containerName(image: string): string {
  return (
    (image.split('/').at(-1) ?? '')
      .split('@')[0]
      ?.split(':')[0]
      ?.toLowerCase()
      .replace(/[^a-z0-9-]/g, '-') ?? ''
  )
}
