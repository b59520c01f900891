/**
 * A process that opens one damaged data folder after the other: it is told a path, and answers with a `Verdict`. What
 * damage must not do to it is end it.
 */
import { messageOf, PipelineError } from '../../../src/core/index.ts'
import { Engine } from '../../../src/engine/index.ts'
import { answersOf, NotVerified } from './answers.ts'
import { openSample } from './sample.ts'

export type Verdict =
  /** Everything was answered, and verify found nothing. */
  | { kind: 'answered'; answers: string }
  /** A named refusal, or a check of verify that failed. */
  | { kind: 'found'; code: string; message: string }
  /** Something that does not tell what is damaged. */
  | { kind: 'unnamed'; message: string }

/** Say that something is damaged, or missing, and what. */
const codes = /_DAMAGED$|^DATA_FOLDER_|_BEHIND_|_UNSUPPORTED$/

async function judge(data: string): Promise<Verdict> {
  let platform: Awaited<ReturnType<typeof openSample>> | undefined
  try {
    platform = await openSample(data)
    return { kind: 'answered', answers: await answersOf(platform) }
  } catch (error) {
    if (error instanceof NotVerified) return { kind: 'found', code: 'verify', message: error.message }
    const message = error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
    if (!(error instanceof PipelineError) || !codes.test(error.code)) return { kind: 'unnamed', message }
    return { kind: 'found', code: error.code, message }
  } finally {
    await platform?.abandon()
  }
}

// For tables of a few rows threads cost more than they do.
const openEngine = Engine.open
Engine.open = (options) => openEngine.call(Engine, { ...options, threads: 1 })

process.on('message', (data: string) => {
  void judge(data).then((verdict) => process.send?.(verdict))
})
