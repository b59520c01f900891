import { setTimeout as sleep } from 'node:timers/promises'
import { Connections } from '../flood.ts'
import type { Records } from '../records.ts'
import type { Subject } from '../subject.ts'
import type { Request, Tally } from '../tally.ts'
import { type Scenario, withSubject } from './scenario.ts'

const name = 'records at the size limit'
const rounds = [
  { connections: 100, bytes: 256 * 1_024 },
  { connections: 100, bytes: 256 * 1_024 },
  { connections: 60, bytes: 2 ** 20 - 4_096 },
  { connections: 10, bytes: 10 * 2 ** 20 - 4_096 },
]

/** 100 bodies of 256 KiB at once, then of 1 MiB, then of 10 MiB; who is refused sends again until it is accepted. */
export const largeRecords: Scenario = {
  name,
  run: (records) =>
    withSubject(name, { env: { PINFLOW_LOG_RECORD_BYTES_MAX: String(10 * 2 ** 20) } }, (subject, tally) =>
      act(subject, tally, records),
    ),
}

async function act(subject: Subject, tally: Tally, records: Records) {
  const connections = await Connections.open(subject, Math.max(...rounds.map((round) => round.connections)))
  try {
    for (const round of rounds) {
      const request = records.large(round.bytes)
      const sending = Array.from({ length: round.connections }, (_, at) =>
        sendUntilAccepted(connections, at, tally, request),
      )
      await Promise.all(sending)
    }
  } finally {
    connections.close()
  }
  return { 'large bodies refused with Retry-After': [tally.refused] }
}

async function sendUntilAccepted(
  connections: Connections,
  at: number,
  tally: Tally,
  request: Request,
): Promise<void> {
  while (!(await connections.send(at, tally, request))) await sleep(100 + (at % 10) * 20)
}
