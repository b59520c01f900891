import { copyFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Broken } from '../../campaign.ts'
import { checkVerify } from '../checks.ts'
import type { Fault, Random } from '../fault.ts'
import { aliveFilesOf, commitsOf, landsOf, markersOf, objectsOf, segmentsOf } from '../files.ts'
import { clients, type Load } from '../load.ts'
import type { Subject } from '../subject.ts'

/** How damage shows. */
const namesOfDamage =
  /LOG_DAMAGED|LOG_BEHIND_LAKE|EPOCHS_DAMAGED|LAKE_DAMAGED|TABLE_DAMAGED|EPOCHS_BEHIND_TABLE/

/** A file to damage, or undefined when there is none yet. */
type Find = (data: string, random: Random) => string | undefined

/** For a look whether there is one. */
const any: Random = () => 0

/** One of them, but none of the newest, which a platform may be about to write or read. */
function oneOf(files: readonly string[], random: Random): string | undefined {
  return files.length > 4 ? files[random(files.length - 4)] : undefined
}

/** Outside the data folder, on its volume. */
const asideOf = ({ place }: Subject, path: string) => join(place.outside, '..', `aside-${basename(path)}`)

/** A file is taken away while the platform runs, and put back: `verify` finds it missing, and then all right. */
function gone(what: string, find: Find): Fault {
  return async (subject, random) => {
    await subject.until(`there is no ${what}`, () => find(subject.place.outside, any) !== undefined)
    const path = find(subject.place.outside, random)!
    const aside = asideOf(subject, path)
    renameSync(path, aside)
    const found = await isFoundByVerify(subject)
    renameSync(aside, path)
    if (!found) throw new Broken(`verify does not find that ${path} is gone`)
    await checkVerify(subject)
    return [`${what} gone`]
  }
}

export const rawObjectGone = gone('raw object', (data, random) => {
  const marker = oneOf(markersOf(data), random)
  const objects = marker === undefined ? [] : objectsOf(data, marker)
  return objects[random(objects.length)]
})

export const markerGone = gone('landed marker', (data, random) => oneOf(markersOf(data), random))

export const landGone = gone('land entry', (data, random) => oneOf(landsOf(data), random))

export const dataFileGone = gone('data file', (data, random) => oneOf(aliveFilesOf(data), random))

/**
 * Clients wait, the process is killed, a file is damaged: what is left tells so by name; with the file put back all
 * is well.
 */
function damaged(
  what: string,
  find: Find,
  damage: (path: string, content: Buffer, random: Random) => void,
): Fault {
  return async (subject, random) => {
    const [path, aside] = await subject.excusing(async () => {
      let path: string | undefined
      // What there is may be gone when the process has ended: a checkpoint may have taken its place.
      for (; ; await subject.start()) {
        await subject.until(`there is no ${what}`, () => find(subject.place.outside, any) !== undefined)
        await subject.load.stop()
        await subject.kill()
        path = find(subject.place.outside, random)
        if (path !== undefined) break
        subject.load.start(clients)
      }
      const aside = asideOf(subject, path)
      copyFileSync(path, aside)
      damage(path, readFileSync(path), random)
      return [path, aside]
    })
    const found = await whatIsFound(subject)
    if (subject.isRunning) await subject.kill()
    renameSync(aside, path)
    await subject.start()
    subject.load.start(clients)
    if (!found) throw new Broken(`nothing tells that ${path} is damaged`)
    await checkVerify(subject)
    return [what]
  }
}

/** Start on damaged data. @returns whether the damage is found: at the start, by verify, or by a reader */
async function whatIsFound(subject: Subject): Promise<boolean> {
  const refusal = await subject.tryStart()
  if (refusal !== undefined) {
    if (namesOfDamage.test(refusal)) return true
    throw new Broken(`it does not start on damaged data, and says: ${refusal}`)
  }
  try {
    await subject.readAll()
    return await isFoundByVerify(subject)
  } catch (error) {
    if (error instanceof Broken && namesOfDamage.test(error.message)) return true
    throw error
  }
}

async function isFoundByVerify(subject: Subject): Promise<boolean> {
  const { ok } = await subject.ask('verify', {})
  return !ok
}

/** One bit of a value in the log. */
export const valueFlipped: Fault = (subject, random) => {
  type Judge = ReturnType<typeof isHeldOnce>
  const valuesIn = (segment: Buffer, isHeld: Judge) => marksIn(segment.toString('latin1')).filter(isHeld)
  const flipped = damaged(
    'flipped bit of a value in the log',
    (data, random) => {
      const isHeld = isHeldOnce(subject.load)
      const filled = segmentsOf(data).filter((path) => valuesIn(readFileSync(path), isHeld).length > 0)
      return filled[random(filled.length)]
    },
    (path, content, random) => {
      const values = valuesIn(content, isHeldOnce(subject.load))
      const value = values[random(values.length)]!
      // LMDB leaves old copies of pages: which of them counts is not looked for.
      for (let at = content.indexOf(value); at >= 0; at = content.indexOf(value, at + 1)) content[at]! ^= 1
      writeFileSync(path, content)
    },
  )
  return flipped(subject, random)
}

/** Parts of values that records have. */
function marksIn(text: string): string[] {
  return text.match(/"(?:title|country|first_name)":"m[0-9.]+"/g) ?? []
}

/** Of one record that was acknowledged, and of no other: what an append left that never ended nobody reads. */
function isHeldOnce({ exchanges }: Load): (mark: string) => boolean {
  const sent = new Map<string, number>()
  const acknowledged = new Set<string>()
  for (const { records, places } of exchanges)
    for (const [at, { value }] of records.entries())
      for (const mark of marksIn(value)) {
        sent.set(mark, 1 + (sent.get(mark) ?? 0))
        if (places[at]) acknowledged.add(mark)
      }
  return (mark) => sent.get(mark) === 1 && acknowledged.has(mark)
}

/** The newest segment ends too soon. */
export const segmentTorn = damaged(
  'torn last segment of the log',
  (data) => segmentsOf(data).at(-1),
  (path, { length }, random) => truncateSync(path, Math.floor((length * (10 + random(60))) / 100)),
)

/** A commit of a table after its newest checkpoint, but not the newest. */
export const commitGone = damaged(
  'Delta commit gone',
  (data, random) => {
    const needed = commitsOf(data)
    return needed[random(needed.length)]
  },
  (path) => rmSync(path),
)
