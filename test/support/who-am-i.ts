import { pauseProgram } from '../../kubelet/runtime/docker/pause-program.ts'

/** A program that answers who it runs as by its exit code, so much of it as fits. */
export function whoAmI(): Buffer {
  const isArm = process.arch === 'arm64'
  const amd64 = [0xb8, 107, 0, 0, 0, 0x0f, 5, 0x89, 0xc7, 0xb8, 60, 0, 0, 0, 0x0f, 5] // exit(geteuid())
  const arm64 = [0xd28015e8, 0xd4000001, 0xd2800ba8, 0xd4000001].flatMap(word => [
    ...new Uint8Array(new Uint32Array([word]).buffer),
  ])
  const head = Buffer.from(pauseProgram(isArm ? 'arm64' : 'amd64').subarray(0, 120))
  const file = Buffer.concat([head, Buffer.from(isArm ? arm64 : amd64)])
  for (const at of [96, 104]) file.writeBigUInt64LE(BigInt(file.length), at)
  return file
}
