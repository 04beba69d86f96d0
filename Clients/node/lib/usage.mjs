// What the machine and the agent use, read from /proc.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'

const architectures = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i686' }
/** Linux counts CPU time in hundredths of a second for programs, whatever its own tick is. */
const ticks = 100
const page = 4096

/** The platform as `hello` names it. */
export function platform() {
  const version = process.report?.getReport?.().header?.glibcVersionRuntime
  return {
    system: process.platform, architecture: architectures[process.arch] ?? process.arch,
    library: version ? `glibc ${version}` : 'libc',
  }
}

/** Rates are over the time since the last reading. */
export class Usage {
  #last = null
  #page = pageSize()

  /** `processes`: the runners; what they started is not looked at. */
  read(processes) {
    const now = performance.now() / 1000
    const busy = busySeconds()
    const [received, sent] = networkBytes()
    const last = this.#last ?? { now, busy, received, sent }
    this.#last = { now, busy, received, sent }
    const span = Math.max(1e-3, now - last.now)
    const totals = [process.pid, ...processes].map((pid) => processUsage(pid, this.#page))
    const sum = (key) => totals.reduce((total, entry) => total + entry[key], 0)
    return {
      busy_cores: Math.max(0, (busy - last.busy) / span), cpu_s: sum('cpu'), resident_bytes: sum('resident'),
      descriptors: sum('descriptors'), received_bytes_per_s: Math.max(0, (received - last.received) / span),
      sent_bytes_per_s: Math.max(0, (sent - last.sent) / span),
    }
  }
}

export const memoryBytes = () => os.totalmem()

function pageSize() {
  try {
    return Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })) || page
  } catch {
    return page
  }
}

function busySeconds() {
  const words = fs.readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1, 9).map(Number)
  // Not the idle and the waiting time.
  return (words.reduce((sum, value) => sum + value, 0) - words[3] - words[4]) / ticks
}

function networkBytes() {
  let received = 0
  let sent = 0
  for (const line of fs.readFileSync('/proc/net/dev', 'utf8').split('\n').slice(2)) {
    const [name, numbers] = line.split(':')
    if (numbers === undefined || name.trim() === 'lo') continue
    const words = numbers.trim().split(/\s+/).map(Number)
    received += words[0]
    sent += words[8]
  }
  return [received, sent]
}

function processUsage(pid, size) {
  try {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ')
    const descriptors = fs.readdirSync(`/proc/${pid}/fd`).length
    return { cpu: (Number(fields[11]) + Number(fields[12])) / ticks, resident: Number(fields[21]) * size, descriptors }
  } catch {
    return { cpu: 0, resident: 0, descriptors: 0 }
  }
}

/** Seconds of CPU so far, and the most bytes resident, of one process. */
export function peak(pid) {
  try {
    const { cpu } = processUsage(pid, page)
    const line = /^VmHWM:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))
    return { cpu, resident: Number(line?.[1] ?? 0) * 1024 }
  } catch {
    return { cpu: 0, resident: 0 }
  }
}
