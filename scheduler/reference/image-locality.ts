import type { Node } from '../../api/core/node.ts'
import type { ReferencePlugin } from './cluster.ts'

const mebibyte = 1024 * 1024
const [least, mostPerContainer] = [23 * mebibyte, 1000 * mebibyte]

const withTag = (image: string) => (image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image)

const sizeOn = ({ status }: Node, image: string): number | undefined =>
  status.images?.find(({ names = [] }) => names.includes(image))?.sizeBytes

/** Large images that are there already, scaled by how many nodes have them (plugins/imagelocality). */
export const imageLocality: ReferencePlugin = {
  name: 'ImageLocality',
  weight: 1,
  score({ spec }, nodes, cluster) {
    const images = [...(spec.initContainers ?? []), ...spec.containers].map(({ image = '' }) => withTag(image))
    const most = mostPerContainer * images.length
    return nodes.map(node => {
      let sum = 0
      for (const image of images) {
        const size = sizeOn(node, image)
        const having = cluster.nodes.filter(other => sizeOn(other, image) !== undefined).length
        if (size !== undefined) sum += Math.trunc(size * (having / cluster.nodes.length))
      }
      return Math.trunc((100 * (Math.min(Math.max(sum, least), most) - least)) / (most - least))
    })
  },
}
