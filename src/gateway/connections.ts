import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { PipelineError } from '../core/index.ts'

/** What else than connections opens files: log, tables, engines. A share of what the process may open. */
const filesShare = 0.25
/** How many more are let in, to be told that there are too many. */
const lateMax = 200

/** A wanted number of connections, or what the system lets the process have. */
export function allowedConnections(wanted: number): number {
  return Math.max(1, Math.min(wanted, Math.floor(openFilesMax() * (1 - filesShare)) - lateMax))
}

/** Files that this process may open; without a limit where the system does not tell. */
function openFilesMax(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return Number(limit ?? Number.POSITIVE_INFINITY)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Connections that were opened while there were as many as may be: their requests are refused, and they are closed. */
export class LateConnections {
  readonly #late = new WeakSet<Socket>()
  #open = 0

  constructor(server: Server, max: number) {
    // Beyond these a connection is closed without a word.
    server.maxConnections = max + lateMax
    server.on('connection', (socket: Socket) => {
      if (++this.#open > max) this.#late.add(socket)
      socket.once('close', () => this.#open--)
    })
  }

  has(connection: Socket): boolean {
    return this.#late.has(connection)
  }

  /** @throws OVERLOADED */
  refuse(connection: Socket): void {
    if (this.#late.has(connection)) throw new PipelineError('OVERLOADED', 'there are too many connections')
  }
}
