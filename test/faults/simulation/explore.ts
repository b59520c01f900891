import { Broken } from '../campaign.ts'
import type { Operation, Pending } from './scheduler.ts'

/** A world in which some operations wait. */
export interface Explorable {
  /** In the same order after the same decisions, with the same ids. */
  readonly pending: readonly Pending[]
  /** Whether a decision for it reads everything as well: then it commutes with no writing. */
  looks(pending: Pending): boolean
  release(pending: Pending): Promise<void>
  /** Nothing waits any more: judge what has become of it. */
  finish(): Promise<void>
  /** Let go of it, finished or not. */
  close(): Promise<void>
}

export interface Explored {
  /** No two of them differ only in the order of operations that do not see one another. */
  interleavings: number
  /** Begun, and cut off where nothing new could follow. */
  redundant: number
  operations: number
}

type Footprint = Pick<Operation, 'kind' | 'key'> & { looks: boolean }

interface Decision {
  chosen: string
  waiting: ReadonlyMap<string, Footprint>
  /** What need not be chosen here: it was, before, and nothing since has seen it. */
  asleep: ReadonlyMap<string, Footprint>
  /** What is to be chosen here. */
  todo: Set<string>
  /** What was chosen here before. */
  done: Map<string, Footprint>
}

/**
 * Every interleaving of a world's operations, depth first, each from the start: operations that commute (readings, and
 * writings of different objects) are tried in one order only. What is tried beside a first choice follows from the races
 * that were met, by source sets; sleep sets keep what was tried from being tried again (Abdulla et al., Optimal Dynamic
 * Partial Order Reduction, POPL 2014).
 *
 * @param most interleavings, so that it ends @throws Broken beyond that
 */
export async function explore(open: () => Promise<Explorable>, most: number): Promise<Explored> {
  const path: Decision[] = []
  const explored: Explored = { interleavings: 0, redundant: 0, operations: 0 }
  do {
    const world = await open()
    try {
      const complete = await follow(world, path, explored)
      if (complete) await world.finish()
      explored[complete ? 'interleavings' : 'redundant']++
    } catch (error) {
      if (error instanceof Error)
        error.message += `\nthe order of operations:\n  ${path.map(({ chosen, waiting }) => `${chosen} ${textOf(waiting.get(chosen))}`).join('\n  ')}`
      throw error
    } finally {
      await world.close()
    }
    if (explored.interleavings + explored.redundant > most)
      throw new Broken(
        `there are more than ${most} interleavings: the world is too large, or goes on for ever`,
      )
    turnRaces(path)
  } while (turnBack(path))
  return explored
}

/** Take the path, and go on from its end. @returns false where nothing new can follow */
async function follow(world: Explorable, path: Decision[], explored: Explored): Promise<boolean> {
  for (let depth = 0; world.pending.length > 0; depth++) {
    if (depth === path.length) {
      const asleep = asleepAfter(path.at(-1))
      const next = world.pending.find(({ id }) => !asleep.has(id))
      if (!next) return false
      const footprints = world.pending.map((each): [string, Footprint] => {
        const { id, kind, key } = each
        return [id, { kind, key, looks: world.looks(each) }]
      })
      const waiting = new Map(footprints)
      path.push({ chosen: next.id, waiting, asleep, todo: new Set([next.id]), done: new Map() })
    }
    const { chosen } = path[depth]!
    const pending = world.pending.find(({ id }) => id === chosen)
    if (!pending)
      throw new Broken(`after the same decisions ${chosen} does not wait: the world is not the same`)
    explored.operations++
    await world.release(pending)
  }
  return true
}

/** Choose something else at the last decision that has more to do. @returns false where there is none */
function turnBack(path: Decision[]): boolean {
  for (let last = path.at(-1); last; last = path.at(-1)) {
    const { chosen, waiting, asleep, todo, done } = last
    done.set(chosen, waiting.get(chosen)!)
    const next = [...todo].find((id) => !asleep.has(id) && !done.has(id))
    if (next !== undefined) {
      last.chosen = next
      return true
    }
    path.pop()
  }
  return false
}

function asleepAfter(decision: Decision | undefined): Map<string, Footprint> {
  if (!decision) return new Map()
  const { asleep, done } = decision
  const taken = footprintOf(decision)
  return new Map([...asleep, ...done].filter(([, other]) => commute(taken, other)))
}

function footprintOf({ chosen, waiting }: Decision): Footprint {
  return waiting.get(chosen)!
}

/** Wherever two operations met that could have come in the other order, see to it that they will. */
function turnRaces(path: readonly Decision[]): void {
  /** For each decision those that it follows from: it waited for their answer, or saw what they wrote, or they did. */
  const before: ReadonlySet<number>[] = []
  for (const [at, decision] of path.entries()) {
    const cause = path.findLastIndex(({ waiting }, place) => place < at && !waiting.has(decision.chosen))
    const met = [...before.keys()].filter(
      (place) => !commute(footprintOf(path[place]!), footprintOf(decision)),
    )
    const direct = cause < 0 ? met : [...met, cause]
    before.push(new Set(direct.flatMap((place) => [place, ...before[place]!])))
    for (const place of met)
      if (place !== cause && !direct.some((other) => before[other]!.has(place))) turnRace(path, before, place)
  }
}

/** Let the last operation come before that of a decision, with all that it follows from, in some later run. */
function turnRace(path: readonly Decision[], before: readonly ReadonlySet<number>[], place: number): void {
  const { todo, done, asleep, waiting } = path[place]!
  const last = before.length - 1
  const rest = [...before.keys()].filter(
    (other) => other === last || (other > place && !before[other]!.has(place)),
  )
  const first = rest
    .filter((other) => !rest.some((earlier) => before[other]!.has(earlier)))
    .map((other) => path[other]!.chosen)
  if (first.some((id) => todo.has(id) || done.has(id) || asleep.has(id))) return
  const possible = first.find((id) => waiting.has(id))
  if (possible === undefined) throw new TypeError('what follows from nothing did not wait')
  todo.add(possible)
}

/** Whether two operations of different workers come to the same in either order. */
function commute(a: Footprint, b: Footprint): boolean {
  if (!writes(a) && !writes(b)) return true
  if ((a.looks && writes(b)) || (b.looks && writes(a))) return false
  if (a.kind === 'list') return !b.key.startsWith(a.key)
  if (b.kind === 'list') return !a.key.startsWith(b.key)
  return a.key !== b.key
}

export function writes({ kind }: Pick<Operation, 'kind'>): boolean {
  return kind === 'put' || kind === 'putIfAbsent' || kind === 'delete'
}

function textOf(footprint: Footprint | undefined): string {
  return footprint ? `${footprint.kind} ${footprint.key}` : ''
}
