import { cleaning, clock, growth, landing, logAndLake } from './check-data.ts'
import { definitions, files, quarantine, silentDatasets, strayTopics, workers } from './check-datasets.ts'
import type { Check } from './finding.ts'
import type { Inside } from './inside.ts'

/** What an open platform is asked, in the order in which records pass. */
export const insideChecks: readonly Check<Inside>[] = [
  { name: 'clock', look: clock },
  { name: 'log and lake', look: logAndLake },
  { name: 'topics no dataset reads', look: strayTopics },
  { name: 'datasets without records', look: silentDatasets },
  { name: 'landing', look: landing },
  { name: 'stream cleaning', look: cleaning },
  { name: 'workers', look: workers },
  { name: 'definitions', look: definitions },
  { name: 'quarantine', look: quarantine },
  { name: 'table files', look: files },
  { name: 'growth', look: growth },
]
