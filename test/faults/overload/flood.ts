import { setTimeout as sleep } from 'node:timers/promises'
import { Broken } from '../campaign.ts'
import { Client } from './client.ts'
import type { Subject } from './subject.ts'
import type { Request, Tally } from './tally.ts'

const tickMs = 5

export interface Flood {
  /** Requests that a schedule wanted sent. */
  offered: number
  /** Of these, sent: for the others no connection was free, as every one waited for its answer. */
  sent: number
  /** Answered with 200 while the schedule went on, whoever sent them. */
  taken: number
  seconds: number
}

/** @returns why this was not so many times what was taken; undefined: it was */
export function whyNoFlood({ offered, sent, taken }: Flood, times: number): string | undefined {
  if (taken === 0) return 'nothing was taken'
  if (offered < times * taken)
    return `${offered} requests were offered, less than ${times} times the ${taken} taken`
  return sent <= taken ? `all ${sent} requests that were sent were taken` : undefined
}

/** Connections that each send when told, and are opened again when the server closes them in order. */
export class Connections {
  readonly #subject: Subject
  readonly #clients: Client[]

  private constructor(subject: Subject, clients: Client[]) {
    this.#subject = subject
    this.#clients = clients
  }

  static async open(subject: Subject, count: number): Promise<Connections> {
    const clients: Client[] = []
    for (let at = 0; at < count; at++) clients.push(await Client.open(subject.gatewayUrl))
    return new Connections(subject, clients)
  }

  get count(): number {
    return this.#clients.length
  }

  async send(at: number, tally: Tally, request: Request): Promise<boolean> {
    if (this.#clients[at]!.broken) this.#clients[at] = await Client.open(this.#subject.gatewayUrl)
    return tally.send(this.#clients[at]!, request)
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

/** How many requests a second are answered when so many clients send without a pause. */
export async function measureRate(
  connections: Connections,
  clients: number,
  next: () => Request,
  tally: Tally,
  seconds: number,
): Promise<number> {
  const before = tally.accepted
  const until = performance.now() + seconds * 1_000
  await Promise.all(
    Array.from({ length: clients }, async (_, at) => {
      while (performance.now() < until) await connections.send(at, tally, next())
    }),
  )
  return (tally.accepted - before) / seconds
}

/**
 * Offer requests for a time, however many are answered.
 *
 * @param due how many there should have been, so many seconds after the begin, when so many were taken
 * @throws Broken when a connection breaks
 */
export async function flood(
  connections: Connections,
  due: (passedSeconds: number, taken: number) => number,
  next: () => Request,
  tally: Tally,
  seconds: number,
): Promise<Flood> {
  const free = Array.from({ length: connections.count }, (_, at) => at)
  const running = new Set<Promise<void>>()
  const begin = performance.now()
  const before = tally.accepted
  let [offered, sent, taken] = [0, 0, 0]
  let failure: unknown
  const sendOne = async (at: number) => {
    try {
      await connections.send(at, tally, next())
    } catch (error) {
      failure ??= error
    }
    free.push(at)
  }
  for (let now = begin; now < begin + seconds * 1_000 && failure === undefined; now = performance.now()) {
    taken = tally.accepted - before
    for (const wanted = due((now - begin) / 1_000, taken); offered < wanted; offered++) {
      const at = free.shift()
      if (at === undefined) continue
      sent++
      const one: Promise<void> = sendOne(at).finally(() => running.delete(one))
      running.add(one)
    }
    await sleep(tickMs)
  }
  await Promise.all(running)
  if (failure !== undefined) throw failure instanceof Broken ? failure : new Broken(`under load: ${failure}`)
  return { offered, sent, taken, seconds: (performance.now() - begin) / 1_000 }
}
