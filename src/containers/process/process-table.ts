/** The host's processes, for what control groups cannot do on a host without them: finding all of a container, measuring and signalling them. */

import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly session: number
  readonly rssBytes: number
  /** When it started, in the host's own notation: with the process id it names a process for ever within one boot. */
  readonly started: string
}

const PAGE_BYTES = 4096

/** All processes that can be seen. Costs some ms; empty when the host tells nothing. */
export function readProcesses(): readonly ProcessEntry[] {
  return process.platform === 'linux' ? readProc() : readPs()
}

/** One process; undefined when there is none. */
export function readProcess(pid: number): ProcessEntry | undefined {
  return process.platform === 'linux' ? readStat(pid) : readPs().find((entry) => entry.pid === pid)
}

/** The process, its descendants, and all that are still in its session although their parents have gone. */
export function membersOf(processes: readonly ProcessEntry[], root: number): readonly ProcessEntry[] {
  const members = new Map<number, ProcessEntry>()
  let found = -1
  while (found !== members.size) {
    found = members.size
    for (const entry of processes) {
      if (entry.pid === root || entry.session === root || members.has(entry.parent)) members.set(entry.pid, entry)
    }
  }
  return [...members.values()]
}

/**
 * Processes that were started with an environment that names `directory`: what a plain container has let loose (own session, parent gone) still has
 * the container's HOME. One that also cleans its environment is not found: only a control group or a process namespace holds it.
 */
export function startedBelow(processes: readonly ProcessEntry[], directory: string): readonly ProcessEntry[] {
  return processes.filter(({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`=${directory}/`)
    } catch {
      return false
    }
  })
}

/** Sends a signal to each; those that have gone are skipped. */
export function signalAll(processes: readonly ProcessEntry[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal)
    } catch {
      // Gone, or no longer ours: neither can be stopped any more.
    }
  }
}

/** Changes at every boot: a process id of another boot names nothing. Empty where the host does not tell. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

function readProc(): readonly ProcessEntry[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readStat(Number(name)) ?? []) : []))
}

/** proc(5): the name is in parentheses and may contain any character, so fields are counted from the last one; 4 parent, 6 session, 22 start, 24 pages. */
function readStat(pid: number): ProcessEntry | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // A zombie holds nothing and cannot be killed; whoever waits for it is told.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return {
    pid,
    parent: Number(fields[1]),
    session: Number(fields[3]),
    rssBytes: Number(fields[21]) * PAGE_BYTES,
    started: fields[19] ?? '',
  }
}

function readPs(): readonly ProcessEntry[] {
  let text: string
  try {
    text = execFileSync('/bin/ps', ['-axo', 'pid=,ppid=,pgid=,rss=,lstart='], { encoding: 'utf8', timeout: 5000 })
  } catch {
    return []
  }
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(.*\S)\s*$/.exec(line)
    if (match === null) return []
    const [, pid, parent, group, kilobytes, started = ''] = match
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        session: Number(group),
        rssBytes: Number(kilobytes) * 1024,
        started,
      },
    ]
  })
}
