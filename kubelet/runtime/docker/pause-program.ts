/**
 * The infra container's only program, as a static ELF binary of about 220 bytes, put together here so that no registry and no compiler
 * is needed. In C it would be:
 *
 *     sigset_t wanted = { SIGINT, SIGTERM, SIGCHLD };
 *     sigprocmask(SIG_BLOCK, &wanted, NULL);              // a blocked signal waits, also for process 1, which has no default actions
 *     for (;;) {
 *       int signal = sigtimedwait(&wanted, NULL, NULL);
 *       if (signal == SIGCHLD) while (wait4(-1, NULL, WNOHANG, NULL) > 0);   // the orphans of a shared PID namespace
 *       else if (signal >= 0) exit(0);
 *     }
 */
export function pauseProgram(architecture: 'amd64' | 'arm64'): Buffer {
  return architecture === 'arm64' ? elf(183, assemble(arm64)) : elf(62, assemble(amd64))
}

/** SIGINT (2), SIGTERM (15) and SIGCHLD (17) as a kernel signal set; the numbers are the same on both architectures. */
const wantedSignals = [2, 15, 17].reduce((set, signal) => set | (1 << (signal - 1)), 0)

/** A label, an instruction, or one whose last bytes depend on how far away a label is. */
type Line = string | number[] | { to: string; size: number; encode: (distance: number) => number[] }

const le32 = (value: number): number[] => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255]

/** On x86 a distance counts from the end of the instruction. */
const short = (opcode: number, to: string): Line => ({ to, size: 2, encode: distance => [opcode, (distance - 2) & 255] })
const lea = (modRM: number, to: string): Line => ({ to, size: 7, encode: distance => [0x48, 0x8d, modRM, ...le32(distance - 7)] })
const syscall = [0x0f, 0x05]
const moveToEax = (value: number) => [0xb8, ...le32(value)]
const zeroEdi = [0x31, 0xff]
const zeroEsi = [0x31, 0xf6]
const zeroEdx = [0x31, 0xd2]
const eightToR10 = [0x41, 0xba, ...le32(8)]
const testEax = [0x85, 0xc0]

const amd64: Line[] = [
  ...[moveToEax(14), zeroEdi, lea(0x35, 'wanted'), zeroEdx, eightToR10, syscall], // rt_sigprocmask(SIG_BLOCK, rsi=wanted, 0, 8)
  'wait',
  ...[moveToEax(128), lea(0x3d, 'wanted'), zeroEsi, zeroEdx, eightToR10, syscall], // rt_sigtimedwait(rdi=wanted, 0, 0, 8)
  ...[[0x83, 0xf8, 17], short(0x74, 'reap')], // cmp eax, SIGCHLD; je
  ...[testEax, short(0x78, 'wait')], // interrupted: js
  ...[moveToEax(60), zeroEdi, syscall], // exit(0)
  'reap',
  ...[moveToEax(61), [0x48, 0xc7, 0xc7, ...le32(-1)], zeroEsi, [0xba, ...le32(1)], [0x45, 0x31, 0xd2], syscall], // wait4(-1, 0, WNOHANG, 0)
  ...[testEax, short(0x7f, 'reap'), short(0xeb, 'wait')], // jg; jmp
  'wanted',
  [...le32(wantedSignals), ...le32(0)],
]

/** On arm64 a distance counts from the start of the instruction; branches count in words. */
const movz = (register: number, value: number) => le32(0xd2800000 | (value << 5) | register)
const adr = (register: number, to: string): Line => ({
  to,
  size: 4,
  encode: distance => le32(0x10000000 | ((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5) | register),
})
const cmpX0 = (value: number) => le32(0xf100001f | (value << 10))
const branchIf = (condition: number, to: string): Line => ({
  to,
  size: 4,
  encode: distance => le32(0x54000000 | (((distance >> 2) & 0x7ffff) << 5) | condition),
})
const branch = (to: string): Line => ({ to, size: 4, encode: distance => le32(0x14000000 | ((distance >> 2) & 0x3ffffff)) })
const svc = le32(0xd4000001)
const [equal, greater, less] = [0, 12, 11]

const arm64: Line[] = [
  ...[movz(0, 0), adr(1, 'wanted'), movz(2, 0), movz(3, 8), movz(8, 135), svc], // rt_sigprocmask
  'wait',
  ...[adr(0, 'wanted'), movz(1, 0), movz(2, 0), movz(3, 8), movz(8, 137), svc], // rt_sigtimedwait
  ...[cmpX0(17), branchIf(equal, 'reap'), cmpX0(0), branchIf(less, 'wait')],
  ...[movz(0, 0), movz(8, 93), svc], // exit(0)
  'reap',
  ...[le32(0x92800000), movz(1, 0), movz(2, 1), movz(3, 0), movz(8, 260), svc], // wait4(-1, 0, WNOHANG, 0); the first is movn x0, #0
  ...[cmpX0(0), branchIf(greater, 'reap'), branch('wait')],
  'wanted',
  [...le32(wantedSignals), ...le32(0)],
]

function assemble(lines: readonly Line[]): number[] {
  const labels = new Map<string, number>()
  let at = 0
  for (const line of lines) {
    if (typeof line === 'string') labels.set(line, at)
    else at += Array.isArray(line) ? line.length : line.size
  }
  const code: number[] = []
  for (const line of lines) {
    if (typeof line === 'string') continue
    if (Array.isArray(line)) code.push(...line)
    else code.push(...line.encode((labels.get(line.to) ?? 0) - code.length))
  }
  return code
}

/** One segment, loaded where it may be read and run (elf(5)): header 64 bytes, program header 56, then the code. */
function elf(machine: number, code: readonly number[]): Buffer {
  const [base, headers, alignment] = [0x400000n, 120, 0x10000n]
  const file = Buffer.alloc(headers + code.length)
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) // ELF, 64 bits, little-endian, version 1
  file.writeUInt16LE(2, 16) // an executable
  file.writeUInt16LE(machine, 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(base + BigInt(headers), 24) // entry
  file.writeBigUInt64LE(64n, 32) // where the program header is
  file.writeUInt16LE(64, 52)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(1, 56)
  file.writeUInt32LE(1, 64) // PT_LOAD
  file.writeUInt32LE(5, 68) // read, execute
  file.writeBigUInt64LE(base, 80)
  file.writeBigUInt64LE(base, 88)
  file.writeBigUInt64LE(BigInt(file.length), 96)
  file.writeBigUInt64LE(BigInt(file.length), 104)
  file.writeBigUInt64LE(alignment, 112)
  file.set(code, headers)
  return file
}
