import { createHash } from 'node:crypto'

/** The VolumeAttachment's name for a volume on a node: everyone works it out alike (csi_attacher.go getAttachmentName). */
export function attachmentName(handle: string, driver: string, nodeName: string): string {
  return `csi-${createHash('sha256').update(`${handle}${driver}${nodeName}`).digest('hex')}`
}
