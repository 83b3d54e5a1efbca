/**
 * Generates the seccomp program of containers: a classic BPF deny list over system call numbers. Constants are those of linux/seccomp.h, linux/filter.h,
 * linux/audit.h and the two architectures' unistd tables.
 *
 * Denied is what changes namespaces, mounts, the kernel or other processes, and the interfaces whose bugs most often gave away a kernel.
 * `clone3` answers ENOSYS, so that libraries fall back to `clone`, whose flags a filter can see.
 */

export type SeccompArchitecture = 'x64' | 'arm64'

const EPERM = 1
const ENOSYS = 38

const LOAD_WORD = 0x20 // BPF_LD | BPF_W | BPF_ABS
const JUMP_EQUAL = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_GREATER_EQUAL = 0x35 // BPF_JMP | BPF_JGE | BPF_K
const JUMP_ANY_BIT = 0x45 // BPF_JMP | BPF_JSET | BPF_K
const RETURN = 0x06 // BPF_RET | BPF_K

const ALLOW = 0x7fff0000
const ERRNO = 0x00050000
const KILL_PROCESS = 0x80000000

/** Offsets in struct seccomp_data. */
const NUMBER_AT = 0
const ARCHITECTURE_AT = 4
const FIRST_ARGUMENT_AT = 16
const SECOND_ARGUMENT_AT = 24

const X32_BIT = 0x40000000

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; NEWTIME (0x80) is only taken by clone3 and unshare. */
const CLONE_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000

/** ioctl requests that push characters into, or paste from, the terminal of somebody else: TIOCSTI and TIOCLINUX. */
const TERMINAL_REQUESTS = [0x5412, 0x541c]

const AUDIT_ARCHITECTURES: Readonly<Record<SeccompArchitecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 }

/** Numbers of the denied calls: [x86_64, aarch64]; undefined where the architecture has no such call. */
const DENIED: Readonly<Record<string, readonly [number | undefined, number | undefined]>> = {
  // Other processes' memory and registers.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  // Mounts and roots.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  // Namespaces.
  unshare: [272, 97],
  setns: [308, 268],
  // The kernel itself.
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, undefined],
  query_module: [178, undefined],
  get_kernel_syms: [177, undefined],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  syslog: [103, 116],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  nfsservctl: [180, 42],
  uselib: [134, undefined],
  ustat: [136, undefined],
  sysfs: [139, undefined],
  _sysctl: [156, undefined],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  modify_ldt: [154, undefined],
  vhangup: [153, 58],
  lookup_dcookie: [212, 18],
  // The host's clock and names.
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  // Large, often broken interfaces that functions do not need.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  open_by_handle_at: [304, 265],
  name_to_handle_at: [303, 264],
  fanotify_init: [300, 262],
  fanotify_mark: [301, 263],
  vmsplice: [278, 75],
  // NUMA placement of other processes' pages.
  move_pages: [279, 239],
  migrate_pages: [256, 238],
}

const CLONE: readonly [number, number] = [56, 220]
const CLONE3: readonly [number, number] = [435, 435]
const IOCTL: readonly [number, number] = [16, 29]

/** Names of the denied calls, for the documentation and the tests. */
export const DENIED_CALLS: readonly string[] = Object.keys(DENIED)

/** The architecture's column, or undefined where there is no table for it: no filter can be loaded there. */
export function seccompArchitecture(arch: string): SeccompArchitecture | undefined {
  return arch === 'x64' || arch === 'arm64' ? arch : undefined
}

/** Number of a denied call on an architecture; undefined when it has none. */
export function deniedNumber(name: string, architecture: SeccompArchitecture): number | undefined {
  return DENIED[name]?.[architecture === 'x64' ? 0 : 1]
}

/** The program: struct sock_filter after struct sock_filter (8 bytes each, little-endian), as `prctl` and `bwrap --seccomp` take it. */
export function seccompProgram(architecture: SeccompArchitecture): Buffer {
  const column = architecture === 'x64' ? 0 : 1
  const instructions: (readonly [code: number, whenTrue: number, whenFalse: number, value: number])[] = [
    [LOAD_WORD, 0, 0, ARCHITECTURE_AT],
    [JUMP_EQUAL, 1, 0, AUDIT_ARCHITECTURES[architecture]],
    // A call of another ABI (32-bit) would be compared with the wrong table.
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD_WORD, 0, 0, NUMBER_AT],
  ]
  if (architecture === 'x64') {
    instructions.push([JUMP_GREATER_EQUAL, 0, 1, X32_BIT], [RETURN, 0, 0, ERRNO | ENOSYS])
  }
  for (const name of DENIED_CALLS) {
    const number = DENIED[name]?.[column]
    // Jumps reach 255 instructions at most, therefore each comparison carries its own return.
    if (number !== undefined) instructions.push([JUMP_EQUAL, 0, 1, number], [RETURN, 0, 0, ERRNO | EPERM])
  }
  instructions.push([JUMP_EQUAL, 0, 1, CLONE3[column]], [RETURN, 0, 0, ERRNO | ENOSYS])
  instructions.push(
    [JUMP_EQUAL, 0, 4, CLONE[column]],
    [LOAD_WORD, 0, 0, FIRST_ARGUMENT_AT],
    [JUMP_ANY_BIT, 0, 1, CLONE_NAMESPACES],
    [RETURN, 0, 0, ERRNO | EPERM],
    [RETURN, 0, 0, ALLOW],
  )
  instructions.push([JUMP_EQUAL, 1, 0, IOCTL[column]], [RETURN, 0, 0, ALLOW], [LOAD_WORD, 0, 0, SECOND_ARGUMENT_AT])
  for (const request of TERMINAL_REQUESTS) {
    instructions.push([JUMP_EQUAL, 0, 1, request], [RETURN, 0, 0, ERRNO | EPERM])
  }
  instructions.push([RETURN, 0, 0, ALLOW])
  const program = Buffer.alloc(instructions.length * 8)
  for (const [index, [code, whenTrue, whenFalse, value]] of instructions.entries()) {
    program.writeUInt16LE(code, index * 8)
    program.writeUInt8(whenTrue, index * 8 + 2)
    program.writeUInt8(whenFalse, index * 8 + 3)
    program.writeUInt32LE(value >>> 0, index * 8 + 4)
  }
  return program
}
