import type { Campaign } from '../campaign.ts'
import { Records } from './records.ts'
import { backlog } from './scenarios/backlog.ts'
import { connections } from './scenarios/connections.ts'
import { largeRecords } from './scenarios/large-records.ts'
import { manyTopics } from './scenarios/many-topics.ts'
import { slowClients } from './scenarios/slow-clients.ts'
import { stuckStore } from './scenarios/stuck-store.ts'
import { tenTimes } from './scenarios/ten-times.ts'

const scenarios = [tenTimes, stuckStore, slowClients, largeRecords, manyTopics, connections, backlog]

/**
 * More than there is room for, in every way: answers are 200, 429 or 503 with Retry-After, memory stays under its cap,
 * everything accepted comes through afterwards. A seed picks the way.
 */
export const campaign: Campaign = {
  name: 'overload',
  runs: scenarios.length,
  budgetSeconds: 600,
  async unavailable() {
    return process.platform === 'linux' ? undefined : 'memory is read from /proc'
  },
  async run(seed) {
    return scenarios[seed % scenarios.length]!.run(await Records.open())
  },
}
