import { readdirSync, readFileSync } from 'node:fs'

/** Ticks of a second in the process file system. */
const ticks = 100

/** What /proc says of a process; undefined where there is none, or no such file system. */
function statOf(pid: number | 'self') {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, which may hold anything, ends with the last bracket.
    const [state, parent, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const cpuTicks = rest.slice(9, 13).reduce((sum, field) => sum + Number(field), 0)
    return { state, parent: Number(parent), cpuTicks }
  } catch {
    return undefined
  }
}

/** CPU seconds of this process, and of those it started that have ended; undefined where nothing tells. */
export function cpuSeconds(): number | undefined {
  const stat = statOf('self')
  return stat && stat.cpuTicks / ticks
}

/** End all that this process started, and what those started, at once. Linux alone tells which these are. */
export function killDescendants(): void {
  // One that is found may have begun another since.
  for (let found = descendantsOf(process.pid); found.length > 0; found = descendantsOf(process.pid)) {
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
  }
}

/** Processes that a process has started, and those that these have, as far as they live. */
export function descendantsOf(ancestor: number): number[] {
  const children = new Map<number, number[]>()
  for (const pid of pids()) {
    const stat = statOf(pid)
    if (stat && stat.state !== 'Z') children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid])
  }
  const found = [ancestor]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found.slice(1)
}

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isSafeInteger)
  } catch {
    return []
  }
}
