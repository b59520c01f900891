import type { Event } from './run-campaign.ts'

interface Sum {
  startedMs: number
  runs: number
  wanted: number
  records: number
  lost: number
  double: number
  faults: Map<string, number>
  skipped: Map<string, string>
  figures: Map<string, number[]>
  cpuSeconds?: number
  unavailable?: string
  failures: string[]
}

const progressMs = 30_000

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
    const counts = { runs: 0, wanted: 0, records: 0, lost: 0, double: 0 }
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
      sum.wanted = event.wanted
      if (event.cpuSeconds !== undefined) sum.cpuSeconds = event.cpuSeconds
    } else if (event.event === 'failure') {
      sum.lost += event.lost
      sum.double += event.double
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

  end(name: string, failure: string | undefined): void {
    const sum = this.#sums.get(name)
    if (!sum) return
    if (failure !== undefined) sum.failures.push(failure)
    const seconds = Math.round((performance.now() - sum.startedMs) / 1_000)
    console.log(`${name}: ${outcomeOf(sum)} in ${seconds} s${cpuOf(sum)}`)
  }

  /** @returns whether every promise held */
  print(): boolean {
    console.log('')
    let [runs, records, lost, double, cpuSeconds] = [0, 0, 0, 0, 0]
    for (const [name, sum] of this.#sums) {
      runs += sum.runs
      records += sum.records
      lost += sum.lost
      double += sum.double
      cpuSeconds += sum.cpuSeconds ?? 0
      console.log(`${name}: ${outcomeOf(sum)}${cpuOf(sum)}`)
      for (const [kind, count] of sum.faults) console.log(`    ${String(count).padStart(7)}  ${kind}`)
      for (const [figure, measured] of sum.figures) console.log(`    ${figure}: ${spread(measured)}`)
      for (const [kind, why] of sum.skipped) console.log(`    not run: ${kind}: ${why}`)
      for (const failure of sum.failures) console.log(`    FAILED: ${failure}`)
    }
    const failed = [...this.#sums.values()].filter(({ failures }) => failures.length > 0).length
    const seconds = Math.round((performance.now() - this.#startedMs) / 1_000)
    console.log(
      `\n${runs} runs in ${seconds} s, with ${Math.round(cpuSeconds)} s of CPU, seeds from ${this.#firstSeed}, ${records} records checked: lost ${lost}, double ${double}`,
    )
    const passed = [...this.#sums.values()].filter(({ runs, failures }) => runs > 0 && failures.length === 0)
    console.log(`Tests  ${passed.length} passed, ${failed} failed (campaigns)`)
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

function outcomeOf({ unavailable, runs, wanted, failures, records }: Sum): string {
  if (unavailable !== undefined) return `not run: ${unavailable}`
  if (failures.length > 0) return `FAILED after ${runs} runs`
  const short = runs < wanted && wanted < Number.MAX_SAFE_INTEGER ? ` of ${wanted} (its time was over)` : ''
  return `${runs}${short} runs, ${records} records`
}

const cpuOf = ({ cpuSeconds }: Sum): string =>
  cpuSeconds === undefined ? '' : `, ${Math.round(cpuSeconds)} s of CPU`

function spread(measured: number[]): string {
  const sorted = measured.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)
  return `median ${at(0.5)}, 99 % ${at(0.99)}, greatest ${at(1)} of ${sorted.length}`
}
