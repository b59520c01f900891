/** The enumeration of interleavings, held against one that simply tries every order. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Explorable, explore } from '../faults/simulation/explore.ts'
import type { Pending } from '../faults/simulation/scheduler.ts'

type Kind = 'get' | 'put' | 'list'
interface Step {
  kind: Kind
  key: string
  /** Sees every writing, whatever its key. */
  looks: boolean
}
type Program = readonly Step[]

const step = fc.record({
  kind: fc.constantFrom<Kind>('get', 'put', 'put', 'list'),
  key: fc.constantFrom('a', 'b'),
  looks: fc.integer({ max: 5, min: 0 }).map((number) => number === 0),
})
const programs = fc.oneof(
  fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 2 }),
  fc.array(fc.array(step, { minLength: 1, maxLength: 2 }), { minLength: 3, maxLength: 3 }),
)

interface Done extends Step {
  id: string
}

/** Workers that each take their steps in order. */
class World implements Explorable {
  readonly done: Done[] = []
  readonly #programs: readonly Program[]
  readonly #at: number[]
  readonly #finished: (order: readonly Done[]) => void

  constructor(workers: readonly Program[], finished: (order: readonly Done[]) => void = () => undefined) {
    this.#programs = workers
    this.#at = workers.map(() => 0)
    this.#finished = finished
  }

  get pending(): Pending[] {
    return this.#programs.flatMap((program, worker) => {
      const at = this.#at[worker]!
      const next = program[at]
      // A listing is of everything: its key is the beginning of every other.
      const key = next?.kind === 'list' ? '' : next?.key
      return next ? [{ ...next, key, id: `${worker}#${at}` } as unknown as Pending] : []
    })
  }

  looks(pending: Pending): boolean {
    return (pending as unknown as Step).looks
  }

  async release(pending: Pending): Promise<void> {
    this.done.push(pending as unknown as Done)
    this.#at[Number(pending.id.split('#')[0])]!++
  }

  async finish(): Promise<void> {
    this.#finished(this.done)
  }

  async close(): Promise<void> {}
}

const isWriting = ({ kind }: Done) => kind === 'put'

function commute(a: Done, b: Done): boolean {
  if (!isWriting(a) && !isWriting(b)) return true
  if ((a.looks && isWriting(b)) || (b.looks && isWriting(a))) return false
  if (a.kind === 'list' || b.kind === 'list') return false
  return a.key !== b.key
}

/** What makes two orders one: which of two steps that do not commute came first. */
function meaningOf(order: readonly Done[]): string {
  const pairs = order.flatMap((first, at) =>
    order.slice(at + 1).flatMap((second) => (commute(first, second) ? [] : [`${first.id}<${second.id}`])),
  )
  return pairs.sort().join(' ')
}

/** Every order there is. */
async function* everyOrder(
  workers: readonly Program[],
  taken: readonly string[] = [],
): AsyncGenerator<Done[]> {
  const world = new World(workers)
  for (const id of taken) await world.release(world.pending.find((pending) => pending.id === id)!)
  if (world.pending.length === 0) yield world.done
  for (const { id } of world.pending) yield* everyOrder(workers, [...taken, id])
}

test('each order that differs from all others is tried, and tried once', async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (workers) => {
      const tried: string[] = []
      const open = async () => new World(workers, (order) => tried.push(meaningOf(order)))
      const { interleavings } = await explore(open, 100_000)
      const all = new Set<string>()
      for await (const order of everyOrder(workers)) all.add(meaningOf(order))
      expect(new Set(tried)).toEqual(all)
      expect({ interleavings, tried: tried.length }).toEqual({ interleavings: all.size, tried: all.size })
    }),
    { numRuns: 300 },
  )
})
