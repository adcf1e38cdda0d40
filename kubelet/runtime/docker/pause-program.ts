/**
 * The infra container's only program, as a static ELF binary of some hundred bytes, put together here so that no registry and no compiler
 * is needed. In C it would be:
 *
 *     if (argc > 1) relay(atoi(argv[1]));
 *     sigset_t wanted = { SIGINT, SIGTERM, SIGCHLD };
 *     sigprocmask(SIG_BLOCK, &wanted, NULL);              // a blocked signal waits, also for process 1, which has no default actions
 *     for (;;) {
 *       int signal = sigtimedwait(&wanted, NULL, NULL);
 *       if (signal == SIGCHLD) while (wait4(-1, NULL, WNOHANG, NULL) > 0);   // the orphans of a shared PID namespace
 *       else if (signal >= 0) exit(0);
 *     }
 *
 * The relay joins its standard input and output with a port on the pod's loopback address, for which it need only be run in the infra
 * container. It says that it got through by one byte before all others, and ends with 111 otherwise:
 *
 *     int fd = socket(AF_INET, SOCK_STREAM, 0);
 *     if (connect(fd, { AF_INET, port, 127.0.0.1 }, 16) < 0) exit(111);
 *     write(1, "\x02", 1);
 *     if (fork() == 0) { close(1); close(2); copy(0, fd); } else copy(fd, 1);
 *     shutdown(fd, SHUT_WR); exit(0);                      // where the input ends, what the port still says goes on coming
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
const short = (opcode: number, to: string): Line => ({
  to,
  size: 2,
  encode(distance) {
    if (distance < -126 || distance > 129) throw new RangeError(`${to} is too far away for a short jump`)
    return [opcode, (distance - 2) & 255]
  },
})
const lea = (modRM: number, to: string): Line => ({ to, size: 7, encode: distance => [0x48, 0x8d, modRM, ...le32(distance - 7)] })
const syscall = [0x0f, 0x05]
const moveToEax = (value: number) => [0xb8, ...le32(value)]
const zeroEdi = [0x31, 0xff]
const zeroEsi = [0x31, 0xf6]
const zeroEdx = [0x31, 0xd2]
const eightToR10 = [0x41, 0xba, ...le32(8)]
const testEax = [0x85, 0xc0]

/** As `short`, for labels that are further away; the opcode is the long form's second byte. */
const far = (opcode: number, to: string): Line => ({ to, size: 6, encode: distance => [0x0f, opcode, ...le32(distance - 6)] })
const moveToEdi = (value: number) => [0xbf, ...le32(value)]
const moveToEsi = (value: number) => [0xbe, ...le32(value)]
const moveToEdx = (value: number) => [0xba, ...le32(value)]
const fdToEdi = [0x89, 0xef] // mov edi, ebp
const rspToRsi = [0x48, 0x89, 0xe6]

/** The socket is in ebp; a copy goes from ebx to r12d, through 32 KiB on the stack. */
const amd64Relay: Line[] = [
  ...[
    [0x48, 0x8b, 0x74, 0x24, 16],
    [0x31, 0xdb],
  ], // mov rsi, argv[1]; xor ebx, ebx
  'digit',
  ...[[0x0f, 0xb6, 0x06], [0x83, 0xe8, 48], short(0x78, 'parsed')], // movzx eax, byte [rsi]; sub eax, '0'; js
  ...[[0x6b, 0xdb, 10], [0x01, 0xc3], [0x48, 0xff, 0xc6], short(0xeb, 'digit')], // imul ebx, 10; add ebx, eax; inc rsi
  'parsed',
  ...[
    [0x86, 0xdf],
    [0xc1, 0xe3, 16],
    [0x83, 0xcb, 2],
    [0x31, 0xc0, 0x50],
  ], // xchg bh, bl; shl ebx, 16; or ebx, AF_INET; push 0
  ...[moveToEax(0x0100007f), [0x48, 0xc1, 0xe0, 32], [0x48, 0x09, 0xd8, 0x50]], // 127.0.0.1; shl rax, 32; or rax, rbx; push rax
  ...[moveToEax(41), moveToEdi(2), moveToEsi(1), zeroEdx, syscall, [0x89, 0xc5]], // socket(AF_INET, SOCK_STREAM, 0); mov ebp, eax
  ...[moveToEax(42), fdToEdi, rspToRsi, moveToEdx(16), syscall, testEax, far(0x88, 'refused')], // connect; js
  ...[moveToEax(1), moveToEdi(1), rspToRsi, moveToEdx(1), syscall], // write(1, AF_INET, 1)
  ...[moveToEax(57), syscall, testEax, short(0x74, 'child')], // fork
  ...[[0x89, 0xeb], [0x41, 0xbc, ...le32(1)], short(0xeb, 'copy')], // mov ebx, ebp; mov r12d, 1
  'child',
  ...[moveToEax(3), moveToEdi(1), syscall, moveToEax(3), moveToEdi(2), syscall], // close(1), close(2): their end is the parent's end
  ...[
    [0x31, 0xdb],
    [0x41, 0x89, 0xec],
  ], // xor ebx, ebx; mov r12d, ebp
  'copy',
  [0x48, 0x81, 0xec, ...le32(0x8000)], // sub rsp, 32 KiB
  'read',
  ...[[0x31, 0xc0], [0x89, 0xdf], rspToRsi, moveToEdx(0x8000), syscall], // read(ebx, rsp, 32 KiB)
  ...[[0x48, 0x85, 0xc0], short(0x7e, 'end'), [0x49, 0x89, 0xc6], [0x49, 0x89, 0xe7]], // jle; mov r14, rax; mov r15, rsp
  'write',
  ...[moveToEax(1), [0x44, 0x89, 0xe7], [0x4c, 0x89, 0xfe], [0x4c, 0x89, 0xf2], syscall], // write(r12d, r15, r14)
  ...[[0x48, 0x85, 0xc0], short(0x78, 'end'), [0x49, 0x01, 0xc7], [0x49, 0x29, 0xc6]], // js; add r15, rax; sub r14, rax
  ...[short(0x75, 'write'), short(0xeb, 'read')],
  'end',
  ...[moveToEax(48), fdToEdi, moveToEsi(1), syscall, moveToEax(60), zeroEdi, syscall], // shutdown(fd, SHUT_WR); exit(0)
  'refused',
  ...[moveToEax(60), moveToEdi(111), syscall],
]

const amd64: Line[] = [
  ...[[0x83, 0x3c, 0x24, 1], far(0x8f, 'relay')], // cmp dword [rsp], 1; jg: there is an argument
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
  'relay',
  ...amd64Relay,
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

const always = 14
const sp = 31
/** mov xd, xn. */
const move = (to: number, from: number) => le32(0xaa0003e0 | (from << 16) | to)
const compareZero = (register: number) => le32(0xf100001f | (register << 5))
const addImmediate = (to: number, from: number, value: number) => le32(0x91000000 | (value << 10) | (from << 5) | to)
const subImmediate = (to: number, from: number, value: number) => le32(0xd1000000 | (value << 10) | (from << 5) | to)

/** The socket is in x19; a copy goes from x20 to x21, through 32 KiB on the stack. */
const arm64Relay: Line[] = [
  ...[le32(0xf9400be1), movz(20, 0), movz(5, 10)], // ldr x1, [sp, #16]: argv[1]
  'digit',
  ...[le32(0x38401422), le32(0x7100c042), branchIf(4, 'parsed')], // ldrb w2, [x1], #1; subs w2, w2, #'0'; b.mi
  ...[le32(0x1b050a94), branchIf(always, 'digit')], // madd w20, w20, w5, w2
  'parsed',
  ...[le32(0x5ac00694), le32(0xd370be94), movz(3, 2), le32(0xaa030294)], // rev16 w20, w20; lsl x20, x20, #16; orr x20, x20, x3
  ...[movz(4, 0x7f), le32(0xf2a02004), le32(0xaa048294), subImmediate(sp, sp, 16)], // movk x4, #0x100, lsl 16; orr x20, x20, x4, lsl 32
  ...[le32(0xa9007ff4)], // stp x20, xzr, [sp]
  ...[movz(0, 2), movz(1, 1), movz(2, 0), movz(8, 198), svc, move(19, 0)], // socket
  ...[addImmediate(1, sp, 0), movz(2, 16), movz(8, 203), svc, compareZero(0), branchIf(less, 'refused')], // connect
  ...[movz(0, 1), addImmediate(1, sp, 0), movz(2, 1), movz(8, 64), svc], // write(1, AF_INET, 1)
  ...[movz(0, 17), movz(1, 0), movz(2, 0), movz(3, 0), movz(4, 0), movz(8, 220), svc], // clone(SIGCHLD): fork
  ...[compareZero(0), branchIf(equal, 'child'), move(20, 19), movz(21, 1), branch('copy')],
  'child',
  ...[movz(0, 1), movz(8, 57), svc, movz(0, 2), movz(8, 57), svc, movz(20, 0), move(21, 19)], // close(1), close(2)
  'copy',
  le32(0xd14023ff), // sub sp, sp, #8, lsl 12
  'read',
  ...[move(0, 20), addImmediate(1, sp, 0), movz(2, 0x8000), movz(8, 63), svc, compareZero(0)],
  ...[branchIf(13, 'end'), move(22, 0), addImmediate(23, sp, 0)], // b.le
  'write',
  ...[move(0, 21), move(1, 23), move(2, 22), movz(8, 64), svc, compareZero(0), branchIf(less, 'end')],
  ...[le32(0x8b0002f7), le32(0xeb0002d6), branchIf(1, 'write'), branch('read')], // add x23, x23, x0; subs x22, x22, x0; b.ne
  'end',
  ...[move(0, 19), movz(1, 1), movz(8, 210), svc, movz(0, 0), movz(8, 93), svc], // shutdown(fd, SHUT_WR); exit(0)
  'refused',
  ...[movz(0, 111), movz(8, 93), svc],
]

const arm64: Line[] = [
  ...[le32(0xf94003e0), cmpX0(1), branchIf(greater, 'relay')], // ldr x0, [sp]: there is an argument
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
  'relay',
  ...arm64Relay,
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
