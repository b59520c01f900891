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
  seconds: number
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

/** Offer requests at a rate, however many are answered, for a time. @throws Broken when a connection breaks */
export async function flood(
  connections: Connections,
  perSecond: number,
  next: () => Request,
  tally: Tally,
  seconds: number,
): Promise<Flood> {
  const free = Array.from({ length: connections.count }, (_, at) => at)
  const running = new Set<Promise<void>>()
  const begin = performance.now()
  let [offered, sent] = [0, 0]
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
    const due = Math.floor(((now - begin) / 1_000) * perSecond)
    for (; offered < due; offered++) {
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
  return { offered, sent, seconds: (performance.now() - begin) / 1_000 }
}
