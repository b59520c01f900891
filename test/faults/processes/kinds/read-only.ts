import { setTimeout as sleep } from 'node:timers/promises'
import { Broken } from '../../campaign.ts'
import type { Fault } from '../fault.ts'

/**
 * The volume turns read-only under load, as ext4 does on an error: the log refuses, and the process ends for a
 * supervisor to start it again. On a volume that is still read-only it does not start, and says why.
 */
export const readOnly: Fault = async (subject, random) => {
  await subject.excusing(async () => {
    await sleep(random(300))
    subject.place.failSystem()
    await subject.end()
    const { code, signal, stderr } = subject.exit
    if (code !== 2 && !(signal === 'SIGABRT' && diedOfMessage.test(stderr)))
      throw new Broken(`on a read-only volume it ended with ${signal ?? code}: ${stderr.slice(-1_000)}`)
    await refuses(() => subject.tryStart())
    subject.place.mountAnew()
    await subject.start()
  })
  return ['volume turned read-only under load', startedReadOnly]
}

const startedReadOnly = 'start on a read-only volume'

/** By a fault of lmdb 3.5.6, which prints beyond the end of a buffer: docs/decisions/0008. */
const diedOfMessage = /munmap_chunk|free\(\)|malloc|double free|corrupted|smashing detected/

/** A volume that was mounted read-only. */
export const startReadOnly: Fault = async (subject) => {
  await subject.excusing(async () => {
    await subject.kill()
    subject.place.remount('ro')
    await refuses(() => subject.tryStart())
    subject.place.remount('rw')
    await subject.start()
  })
  return [startedReadOnly]
}

async function refuses(tryStart: () => Promise<string | undefined>): Promise<void> {
  const refusal = await tryStart()
  if (refusal === undefined) throw new Broken('it starts on a read-only volume')
  if (!refusal.includes('DATA_FOLDER_UNUSABLE')) throw new Broken(`on a read-only volume: ${refusal}`)
}
