import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { SeccompArchitecture } from './seccomp.ts'
import { DENIED_CALLS, deniedNumber, seccompArchitecture, seccompProgram } from './seccomp.ts'

const ALLOW = 0x7fff0000
const EPERM = 0x00050001
const ENOSYS = 0x00050026
const KILL = 0x80000000

const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 } as const
const NUMBERS = {
  x64: { read: 0, clone: 56, clone3: 435, ioctl: 16 },
  arm64: { read: 63, clone: 220, clone3: 435, ioctl: 29 },
} as const

/** What the kernel would do: runs the program on struct seccomp_data {int nr; u32 arch; u64 ip; u64 args[6]}. */
function verdict(
  program: Buffer,
  call: { number: number; architecture: number; first?: number; second?: number },
): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(call.number >>> 0, 0)
  data.writeUInt32LE(call.architecture >>> 0, 4)
  data.writeUInt32LE((call.first ?? 0) >>> 0, 16)
  data.writeUInt32LE((call.second ?? 0) >>> 0, 24)
  let accumulator = 0
  for (let at = 0; at < program.length / 8; at++) {
    const code = program.readUInt16LE(at * 8)
    const value = program.readUInt32LE(at * 8 + 4)
    const jump = (taken: boolean): void => {
      at += program.readUInt8(at * 8 + (taken ? 2 : 3))
    }
    if (code === 0x20) accumulator = data.readUInt32LE(value)
    else if (code === 0x15) jump(accumulator === value)
    else if (code === 0x35) jump(accumulator >= value)
    else if (code === 0x45) jump((accumulator & value) !== 0)
    else if (code === 0x06) return value
    else assert.fail(`instruction ${at} has the code ${code}`)
  }
  return assert.fail('the program has no end')
}

for (const architecture of ['x64', 'arm64'] as const satisfies readonly SeccompArchitecture[]) {
  describe(`seccomp program for ${architecture}`, () => {
    const program = seccompProgram(architecture)
    const call = (number: number, first = 0, second = 0): number =>
      verdict(program, { number, architecture: AUDIT[architecture], first, second })
    const { read, clone, clone3, ioctl } = NUMBERS[architecture]
    const denied = new Set(DENIED_CALLS.flatMap((name) => deniedNumber(name, architecture) ?? []))

    test('fits into the kernel’s limit of 4096 instructions', () => {
      assert.equal(program.length % 8, 0)
      assert.ok(program.length / 8 <= 4096)
    })

    test('calls of another architecture end the process', () => {
      assert.equal(verdict(program, { number: read, architecture: 0x40000003 }), KILL)
      assert.equal(
        verdict(program, { number: read, architecture: AUDIT[architecture === 'x64' ? 'arm64' : 'x64'] }),
        KILL,
      )
    })

    test('every denied call is refused', () => {
      for (const number of denied) assert.equal(call(number), EPERM, String(number))
    })

    test('every other call is allowed', () => {
      const special = new Set<number>([clone, clone3, ioctl, ...denied])
      const other = fc.integer({ min: 0, max: 1000 }).filter((number) => !special.has(number))
      fc.assert(
        fc.property(
          other,
          fc.integer(),
          fc.integer(),
          (number, first, second) => call(number, first, second) === ALLOW,
        ),
      )
    })

    test('clone makes threads and processes but no namespaces', () => {
      assert.equal(call(clone, 0x003d0f00), ALLOW)
      assert.equal(call(clone, 17), ALLOW)
      for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
        assert.equal(call(clone, flag | 17), EPERM)
      }
      assert.equal(call(clone3, 0x10000000), ENOSYS)
    })

    test('ioctl is allowed but for pushing into terminals', () => {
      assert.equal(call(ioctl, 0, 0x5401), ALLOW)
      assert.equal(call(ioctl, 0, 0x5412), EPERM)
      assert.equal(call(ioctl, 0, 0x541c), EPERM)
    })

    if (architecture === 'x64') {
      test('calls of the x32 interface do not exist', () => {
        fc.assert(
          fc.property(fc.integer({ min: 0, max: 0x3fffffff }), (number) => call(0x40000000 | number) === ENOSYS),
        )
      })
    }
  })
}

test('other architectures have no program', () => {
  assert.equal(seccompArchitecture('riscv64'), undefined)
  assert.equal(seccompArchitecture('x64'), 'x64')
})
