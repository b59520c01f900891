import type { Event } from './run-campaign.ts'

interface Sum {
  startedMs: number
  runs: number
  /** Undefined: as many as there is time for. */
  wanted?: number
  records: number
  lost: Count
  double: Count
  faults: Map<string, number>
  skipped: Map<string, string>
  figures: Map<string, number[]>
  cpuSeconds?: number
  unavailable?: string
  failures: string[]
}

const progressMs = 30_000

/** Records of failures; some failures do not tell how many. */
interface Count {
  known: number
  isWhole: boolean
}

/** Adds up what campaigns tell, and prints it. */
export class Report {
  readonly #firstSeed: number
  readonly #sums = new Map<string, Sum>()
  readonly #startedMs = performance.now()
  #printedMs = performance.now()

  constructor(firstSeed: number) {
    this.#firstSeed = firstSeed
  }

  begin(name: string): void {
    const counts = { runs: 0, records: 0, lost: none, double: none }
    const maps = { faults: new Map(), skipped: new Map(), figures: new Map() }
    this.#sums.set(name, { startedMs: performance.now(), ...counts, ...maps, failures: [] })
    console.log(`${name}: begins`)
  }

  /** @param line an event as JSON; anything else is shown as it is */
  take(name: string, line: string): void {
    const sum = this.#sums.get(name)
    if (!sum) return
    if (!line.startsWith('{"event":')) {
      console.log(`${name}: ${line}`)
      return
    }
    const event = JSON.parse(line) as Event
    if (event.event === 'unavailable') sum.unavailable = event.reason
    else if (event.event === 'end') {
      if (event.wanted !== undefined) sum.wanted = event.wanted
      if (event.cpuSeconds !== undefined) sum.cpuSeconds = event.cpuSeconds
    } else if (event.event === 'failure') {
      sum.lost = plus(sum.lost, countOf(event.lost))
      sum.double = plus(sum.double, countOf(event.double))
      const again = `npm run test:faults -- --only ${name} --seed ${event.seed} --runs 1`
      sum.failures.push(`seed ${event.seed}: ${event.message}\n  again: ${again}`)
      console.log(`${name}: FAILED with seed ${event.seed}: ${event.message}\n  again: ${again}`)
    } else {
      sum.runs++
      sum.records += event.outcome.records
      for (const [kind, count] of Object.entries(event.outcome.faults))
        sum.faults.set(kind, (sum.faults.get(kind) ?? 0) + count)
      for (const [kind, why] of Object.entries(event.outcome.skipped ?? {})) sum.skipped.set(kind, why)
      for (const [figure, measured] of Object.entries(event.outcome.figures ?? {}))
        sum.figures.set(figure, [...(sum.figures.get(figure) ?? []), ...measured])
    }
    this.#showProgress()
  }

  /** @param failure why its process did not end well */
  end(name: string, failure: string | undefined): void {
    const sum = this.#sums.get(name)
    if (!sum) return
    if (failure !== undefined) {
      sum.failures.push(failure)
      sum.lost = plus(sum.lost, countOf(undefined))
      sum.double = plus(sum.double, countOf(undefined))
    }
    const { runs, wanted, unavailable, failures } = sum
    const isShort = wanted !== undefined && runs < wanted
    if (isShort && unavailable === undefined && failures.length === 0)
      failures.push(`its time was over after ${runs} of ${wanted} runs`)
    const seconds = Math.round((performance.now() - sum.startedMs) / 1_000)
    const took = unavailable === undefined ? ` in ${seconds} s` : ''
    console.log(`${name}: ${outcomeOf(sum)}${took}${cpuOf(sum)}`)
  }

  /** @returns whether every promise held */
  print(): boolean {
    console.log('')
    let [runs, records, cpuSeconds] = [0, 0, 0]
    let [lost, double] = [none, none]
    for (const [name, sum] of this.#sums) {
      runs += sum.runs
      records += sum.records
      lost = plus(lost, sum.lost)
      double = plus(double, sum.double)
      cpuSeconds += sum.cpuSeconds ?? 0
      console.log(`${name}: ${outcomeOf(sum)}${cpuOf(sum)}`)
      for (const [kind, count] of sum.faults) console.log(`    ${String(count).padStart(7)}  ${kind}`)
      for (const [figure, measured] of sum.figures) console.log(`    ${figure}: ${spread(measured)}`)
      for (const [kind, why] of sum.skipped) console.log(`    not run: ${kind}: ${why}`)
      for (const failure of sum.failures) console.log(`    FAILED: ${failure}`)
    }
    const all = [...this.#sums.values()]
    const failed = all.filter(({ failures }) => failures.length > 0).length
    const seconds = Math.round((performance.now() - this.#startedMs) / 1_000)
    console.log(
      `\n${runs} runs in ${seconds} s, with ${Math.round(cpuSeconds)} s of CPU, seeds from ${this.#firstSeed}, ${records} records checked: lost ${textOf(lost)}, double ${textOf(double)}`,
    )
    const skipped = all.filter(
      ({ unavailable, failures }) => unavailable !== undefined && failures.length === 0,
    )
    const passed = all.length - failed - skipped.length
    console.log(`Tests  ${passed} passed, ${failed} failed, ${skipped.length} skipped (campaigns)`)
    return failed === 0
  }

  #showProgress(): void {
    const now = performance.now()
    if (now - this.#printedMs < progressMs) return
    this.#printedMs = now
    const all = [...this.#sums].map(([name, { runs }]) => `${name} ${runs}`)
    console.log(`… ${all.join(', ')}`)
  }
}

function outcomeOf({ unavailable, runs, failures, records }: Sum): string {
  if (failures.length > 0) return `FAILED after ${runs} runs`
  if (unavailable !== undefined) return `not run: ${unavailable}`
  return `${runs} runs, ${records} records`
}

const none: Count = { known: 0, isWhole: true }
const countOf = (records: number | undefined): Count => ({
  known: records ?? 0,
  isWhole: records !== undefined,
})
const plus = (a: Count, b: Count): Count => ({
  known: a.known + b.known,
  isWhole: a.isWhole && b.isWhole,
})

function textOf({ known, isWhole }: Count): string {
  if (isWhole) return String(known)
  return known > 0 ? `${known} or more` : '?'
}

const cpuOf = ({ cpuSeconds, unavailable }: Sum): string =>
  cpuSeconds === undefined || unavailable !== undefined ? '' : `, ${Math.round(cpuSeconds)} s of CPU`

function spread(measured: number[]): string {
  const sorted = measured.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)
  return `median ${at(0.5)}, 99 % ${at(0.99)}, greatest ${at(1)} of ${sorted.length}`
}
