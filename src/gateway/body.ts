import type { IncomingMessage } from 'node:http'
import { PipelineError } from '../core/index.ts'

/** Where there is no room, a body that has been on its way for so long gives way to those that come faster. */
const slowMs = 5_000

interface Held {
  bytes: number
  /** While its body is on its way: since when, and how to let go of what there is of it. */
  coming?: { sinceMs: number; drop: () => void }
}

/** What requests hold in memory, in bytes, all of them together and each by itself. */
export class BytesInFlight {
  readonly #max: number
  readonly #byRequest = new Map<IncomingMessage, Held>()
  #held = 0

  constructor(max: number) {
    this.#max = max
  }

  /**
   * Hold bytes of a request. Where they do not fit, bodies that are slow to come give way.
   *
   * @param drop lets go of a body that is on its way, and refuses it
   * @throws OVERLOADED when they do not fit beside what other requests hold; alone a request always fits
   */
  hold(request: IncomingMessage, bytes: number, drop?: () => void): void {
    // What has been released because its client went away must not be held again.
    if (request.socket.destroyed) return
    const held = this.#byRequest.get(request)
    const own = held?.bytes ?? 0
    if (!this.#fits(own, bytes)) this.#dropSlow(request)
    if (!this.#fits(own, bytes)) {
      const message = `${this.#held} bytes of requests are under way`
      // A body that is refused is let go of at once, not when its client is done with sending it.
      this.release(request)
      throw new PipelineError('OVERLOADED', message)
    }
    this.#held += bytes
    const coming = drop && { sinceMs: held?.coming?.sinceMs ?? performance.now(), drop }
    this.#byRequest.set(request, { bytes: own + bytes, ...(coming && { coming }) })
  }

  /** The body of a request is whole: nobody waits for its client any more. */
  whole(request: IncomingMessage): void {
    const held = this.#byRequest.get(request)
    if (held) this.#byRequest.set(request, { bytes: held.bytes })
  }

  /** From now on a request holds its answer, and nothing else. */
  answer(request: IncomingMessage, bytes: number): void {
    this.release(request)
    this.#held += bytes
    this.#byRequest.set(request, { bytes })
  }

  release(request: IncomingMessage): void {
    this.#held -= this.#byRequest.get(request)?.bytes ?? 0
    this.#byRequest.delete(request)
  }

  #fits(own: number, bytes: number): boolean {
    return this.#held === own || this.#held + bytes <= this.#max
  }

  #dropSlow(wanting: IncomingMessage): void {
    const latestMs = performance.now() - slowMs
    for (const [request, { coming }] of this.#byRequest) {
      if (request === wanting || coming === undefined || coming.sinceMs > latestMs) continue
      coming.drop()
      this.release(request)
    }
  }
}

/**
 * Read a body whole; a client that goes away before its end is an error, so nothing is done with a part. What is
 * refused is read on and dropped, up to `bytesMax`, for a client reads the answer only once it has sent its body.
 *
 * @param hold called before bytes are kept, with their number; may throw. What it is given lets go of all that is kept,
 *   and refuses the body
 * @throws REQUEST_TOO_LARGE beyond `bytesMax`; what `hold` throws
 */
export async function readBody(
  message: IncomingMessage,
  bytesMax: number,
  hold: (bytes: number, drop: () => void) => void,
): Promise<Buffer> {
  let parts: Buffer[] = []
  let bytes = 0
  let refusal: unknown
  if (Number(message.headers['content-length']) > bytesMax) refusal = tooLarge(bytesMax)
  const drop = () => {
    keepHead(message, parts[0])
    parts = []
    refusal = new PipelineError('OVERLOADED', 'the body was too slow to come while others waited')
  }
  for await (const part of chunks(message)) {
    bytes += part.length
    if (bytes > bytesMax) refusal ??= tooLarge(bytesMax)
    if (bytes > 2 * bytesMax) break
    if (refusal !== undefined) {
      keepHead(message, parts[0] ?? part)
      parts = []
      continue
    }
    try {
      hold(part.length, drop)
      parts.push(part)
    } catch (error) {
      refusal = error
      keepHead(message, parts[0] ?? part)
      parts = []
    }
  }
  if (refusal !== undefined) throw refusal
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

/** The beginnings of bodies that were refused before they were whole. */
const heads = new WeakMap<IncomingMessage, Buffer>()
const headBytes = 4_096

/** The beginning of a body that was refused before it was whole. */
export function headOf(message: IncomingMessage): Buffer | undefined {
  return heads.get(message)
}

function keepHead(message: IncomingMessage, part: Buffer | undefined): void {
  if (part && !heads.has(message)) heads.set(message, Buffer.from(part.subarray(0, headBytes)))
}

async function* chunks(message: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* message.iterator({ destroyOnReturn: false })
  } catch (error) {
    // Nobody is left to read the answer.
    throw Object.assign(new Error('the client went away', { cause: error }), { statusCode: 400 })
  }
}

function tooLarge(bytesMax: number): PipelineError {
  return new PipelineError('REQUEST_TOO_LARGE', `the body is larger than ${bytesMax} bytes`)
}
