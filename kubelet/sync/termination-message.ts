import { open } from 'node:fs/promises'
import type { ContainerRuntime, ContainerState } from '../runtime/runtime.ts'
import { labels } from './labels.ts'

const maxFileBytes = 4096
const maxLogBytes = 2048
const maxLogLines = 80
const maxPodBytes = 12_288

/**
 * A container's last words: what it wrote to its termination file, or the end of its log when it failed without a word and its policy
 * says so; after whatever the runtime has to say (semantics C13).
 */
export async function terminationMessage(
  runtime: ContainerRuntime,
  container: ContainerState,
  containersInPod: number,
): Promise<string> {
  const policy = container.annotations[labels.terminationMessagePolicy]
  const file = container.annotations[labels.terminationMessageFile]
  let own = file ? await endOf(file) : ''
  const mayUseLog = policy === 'FallbackToLogsOnError' && container.exitCode !== 0 && container.reason !== 'ContainerCannotRun'
  if (own === '' && mayUseLog) own = await lastLines(runtime, container.id)
  return joinMessages(container.message, own, containersInPod)
}

/** The runtime's words first; cut to the container's share of what a pod's status may hold. */
export function joinMessages(runtimeMessage: string, own: string, containersInPod: number): string {
  const text = [runtimeMessage, own].filter(part => part !== '').join(': ')
  const limit = Math.trunc(maxPodBytes / Math.max(1, containersInPod))
  const bytes = Buffer.from(text)
  return bytes.length <= limit ? text : bytes.subarray(0, limit).toString()
}

async function endOf(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined)
  if (!file) return ''
  try {
    const { size } = await file.stat()
    const start = Math.max(0, size - maxFileBytes)
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.min(size, maxFileBytes)),
      0,
      Math.min(size, maxFileBytes),
      start,
    )
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

async function lastLines(runtime: ContainerRuntime, id: string): Promise<string> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of runtime.logs(id, { tailLines: maxLogLines }, new AbortController().signal)) chunks.push(chunk)
  } catch {
    // A container without a log has no last words.
  }
  return Buffer.concat(chunks).subarray(-maxLogBytes).toString()
}
