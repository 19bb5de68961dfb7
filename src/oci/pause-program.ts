// The pause program: a static ELF of a few hundred bytes, assembled here, that holds a pod's namespaces open, reaps orphans and leaves when told to.

import { assert } from '../base/assert.ts'

export type Architecture = 'amd64' | 'arm64'

/**
 * What both programs do:
 *
 *     rt_sigprocmask(SIG_BLOCK, {SIGINT, SIGTERM, SIGCHLD})
 *     loop:  switch (rt_sigtimedwait({SIGINT, SIGTERM, SIGCHLD}))
 *              SIGINT, SIGTERM: exit_group(0)
 *              SIGCHLD:         while (wait4(-1, NULL, WNOHANG, NULL) > 0) {}
 *
 * Waiting for blocked signals needs no handlers, no stack and no memory, and has no moment between the look and the wait in which a
 * signal is lost. The kernel drops signals that PID 1 has no handler for, but never blocked ones.
 */
const [SIGINT, SIGTERM, SIGCHLD] = [2, 15, 17] as const
/** The kernel's signal set: bit n-1 stands for signal n. */
const SIGNALS = (1n << BigInt(SIGINT - 1)) | (1n << BigInt(SIGTERM - 1)) | (1n << BigInt(SIGCHLD - 1))

/** One step of a program: bytes, a place to jump to, or bytes that depend on where a label is. */
type Step =
  | readonly number[]
  | { label: string }
  | { to: string; size: number; encode: (distance: number) => readonly number[] }

const label = (name: string): Step => ({ label: name })

/** Lays the steps out, then fills in the distances. `distance` is counted from the start of the instruction. */
export function assemble(steps: readonly Step[]): Uint8Array {
  const places = new Map<string, number>()
  let at = 0
  for (const step of steps) {
    if ('label' in step) places.set(step.label, at)
    else at += 'to' in step ? step.size : step.length
  }
  const code: number[] = []
  for (const step of steps) {
    if ('label' in step) continue
    if (!('to' in step)) {
      code.push(...step)
      continue
    }
    const place = places.get(step.to)
    assert(place !== undefined, `label "${step.to}" exists`)
    const bytes = step.encode(place - code.length)
    assert(bytes.length === step.size, `an instruction that refers to "${step.to}" has the size it said`)
    code.push(...bytes)
  }
  return Uint8Array.from(code)
}

const int32 = (value: number): number[] => [
  value & 0xff,
  (value >> 8) & 0xff,
  (value >> 16) & 0xff,
  (value >> 24) & 0xff,
]
const signalSet = (): Step => Array.from({ length: 8 }, (_, i) => Number((SIGNALS >> BigInt(8 * i)) & 0xffn))

/** x86-64: number in rax, arguments in rdi, rsi, rdx, r10; the kernel overwrites rcx and r11. */
function amd64(): Uint8Array {
  const jump = (opcode: number, to: string): Step => ({
    to,
    size: 2,
    encode: (distance) => [opcode, (distance - 2) & 0xff],
  })
  const je = 0x74
  const jg = 0x7f
  const jmp = 0xeb
  const syscall = [0x0f, 0x05]
  return assemble([
    [0x31, 0xff], //                                                         xor  edi, edi          SIG_BLOCK
    { to: 'signals', size: 7, encode: (d) => [0x48, 0x8d, 0x35, ...int32(d - 7)] }, // lea rsi, [rip+signals]
    [0x31, 0xd2], //                                                         xor  edx, edx
    [0x6a, 0x08, 0x41, 0x5a], //                                             push 8; pop r10        size of the set
    [0x6a, 0x0e, 0x58], //                                                   push 14; pop rax       rt_sigprocmask
    syscall,
    label('wait'),
    { to: 'signals', size: 7, encode: (d) => [0x48, 0x8d, 0x3d, ...int32(d - 7)] }, // lea rdi, [rip+signals]
    [0x31, 0xf6], //                                                         xor  esi, esi          no siginfo
    [0x31, 0xd2], //                                                         xor  edx, edx          no timeout
    [0x6a, 0x08, 0x41, 0x5a], //                                             push 8; pop r10
    [0xb8, ...int32(128)], //                                                mov  eax, 128          rt_sigtimedwait
    syscall,
    [0x83, 0xf8, SIGCHLD], //                                                cmp  eax, SIGCHLD
    jump(je, 'reap'),
    [0x83, 0xf8, SIGINT], //                                                 cmp  eax, SIGINT
    jump(je, 'exit'),
    [0x83, 0xf8, SIGTERM], //                                                cmp  eax, SIGTERM
    jump(je, 'exit'),
    jump(jmp, 'wait'), //                                                    (EINTR, after SIGSTOP and SIGCONT)
    label('reap'),
    [0x6a, 0xff, 0x5f], //                                                   push -1; pop rdi       any child
    [0x31, 0xf6], //                                                         xor  esi, esi
    [0x6a, 0x01, 0x5a], //                                                   push 1; pop rdx        WNOHANG
    [0x45, 0x31, 0xd2], //                                                   xor  r10d, r10d
    [0x6a, 0x3d, 0x58], //                                                   push 61; pop rax       wait4
    syscall,
    [0x85, 0xc0], //                                                         test eax, eax
    jump(jg, 'reap'),
    jump(jmp, 'wait'),
    label('exit'),
    [0x31, 0xff], //                                                         xor  edi, edi
    [0xb8, ...int32(231)], //                                                mov  eax, 231          exit_group
    syscall,
    label('signals'),
    signalSet(),
  ])
}

/** AArch64: number in x8, arguments in x0 to x3; every instruction is one 32-bit word. */
function arm64(): Uint8Array {
  const word = (value: number): Step => int32(value)
  const mov = (register: number, value: number): Step => word(0xd2800000 | (value << 5) | register)
  const movMinusOne = (register: number): Step => word(0x92800000 | register)
  const svc = word(0xd4000001)
  const adr = (register: number, to: string): Step => ({
    to,
    size: 4,
    encode: (d) => int32(0x10000000 | ((d & 3) << 29) | (((d >> 2) & 0x7ffff) << 5) | register),
  })
  const cmpW0 = (value: number): Step => word(0x7100001f | (value << 10))
  const branch = (to: string): Step => ({ to, size: 4, encode: (d) => int32(0x14000000 | ((d >> 2) & 0x3ffffff)) })
  const branchIf = (condition: number, to: string): Step => ({
    to,
    size: 4,
    encode: (d) => int32(0x54000000 | (((d >> 2) & 0x7ffff) << 5) | condition),
  })
  const equal = 0x0
  const greater = 0xc
  return assemble([
    mov(0, 0), //                 SIG_BLOCK
    adr(1, 'signals'),
    mov(2, 0),
    mov(3, 8), //                 size of the set
    mov(8, 135), //               rt_sigprocmask
    svc,
    label('wait'),
    adr(0, 'signals'),
    mov(1, 0), //                 no siginfo
    mov(2, 0), //                 no timeout
    mov(3, 8),
    mov(8, 137), //               rt_sigtimedwait
    svc,
    cmpW0(SIGCHLD),
    branchIf(equal, 'reap'),
    cmpW0(SIGINT),
    branchIf(equal, 'exit'),
    cmpW0(SIGTERM),
    branchIf(equal, 'exit'),
    branch('wait'),
    label('reap'),
    movMinusOne(0), //            any child
    mov(1, 0),
    mov(2, 1), //                 WNOHANG
    mov(3, 0),
    mov(8, 260), //               wait4
    svc,
    cmpW0(0),
    branchIf(greater, 'reap'),
    branch('wait'),
    label('exit'),
    mov(0, 0),
    mov(8, 94), //                exit_group
    svc,
    label('signals'),
    signalSet(),
  ])
}

const ELF_HEADER_BYTES = 64
const PROGRAM_HEADER_BYTES = 56
const LOAD_ADDRESS = 0x400000n
/** Both architectures' kernels may use pages this large; file offset and address must agree modulo it. */
const PAGE_BYTES = 0x10000n
const MACHINE: Record<Architecture, number> = { amd64: 62, arm64: 183 }

/** The whole executable: header, one segment that can be read and run but not written, and a stack that cannot be run. */
export function pauseProgram(architecture: Architecture): Uint8Array {
  const code = architecture === 'amd64' ? amd64() : arm64()
  const start = ELF_HEADER_BYTES + 2 * PROGRAM_HEADER_BYTES
  const file = Buffer.alloc(start + code.length)
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]) // ELF, 64 bits, little endian, version 1, System V
  file.writeUInt16LE(2, 16) // an executable at a fixed address
  file.writeUInt16LE(MACHINE[architecture], 18)
  file.writeUInt32LE(1, 20) // version
  file.writeBigUInt64LE(LOAD_ADDRESS + BigInt(start), 24) // entry point
  file.writeBigUInt64LE(BigInt(ELF_HEADER_BYTES), 32) // program headers follow this header
  file.writeUInt16LE(ELF_HEADER_BYTES, 52)
  file.writeUInt16LE(PROGRAM_HEADER_BYTES, 54)
  file.writeUInt16LE(2, 56) // count of program headers
  file.writeUInt16LE(64, 58) // size of a section header, of which there are none

  const load = file.subarray(ELF_HEADER_BYTES)
  load.writeUInt32LE(1, 0) // PT_LOAD
  load.writeUInt32LE(5, 4) // read and execute
  load.writeBigUInt64LE(0n, 8)
  load.writeBigUInt64LE(LOAD_ADDRESS, 16)
  load.writeBigUInt64LE(LOAD_ADDRESS, 24)
  load.writeBigUInt64LE(BigInt(file.length), 32)
  load.writeBigUInt64LE(BigInt(file.length), 40)
  load.writeBigUInt64LE(PAGE_BYTES, 48)

  const stack = file.subarray(ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES)
  stack.writeUInt32LE(0x6474e551, 0) // PT_GNU_STACK
  stack.writeUInt32LE(6, 4) // read and write
  stack.writeBigUInt64LE(16n, 48)

  file.set(code, start)
  return file
}
