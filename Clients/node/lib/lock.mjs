import fs from 'node:fs'
import path from 'node:path'

/** When a process was started, in ticks since the machine was; undefined for one that is not there. */
function began(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ')[19]
  } catch {
    return undefined
  }
}

/**
 * Takes a data directory for this process alone: `lock` in it holds its number and its start, since Node knows no lock
 * that ends with the process.
 *
 * @throws {Error} when the directory cannot be used, or another agent uses it
 */
export function own(directory) {
  fs.mkdirSync(directory, { recursive: true })
  const file = path.join(directory, 'lock')
  const mine = `${process.pid} ${began(process.pid)}\n`
  try {
    fs.writeFileSync(file, mine, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    const [pid, start] = fs.readFileSync(file, 'utf8').trim().split(' ')
    if (start !== undefined && began(pid) === start) {
      throw new Error('another agent uses this directory: give each one its own')
    }
    fs.writeFileSync(file, mine)
  }
  // Of an agent that was killed.
  fs.rmSync(path.join(directory, 'runs'), { recursive: true, force: true })
}
