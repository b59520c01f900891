import type { IncomingMessage } from 'node:http'
import { PipelineError } from '../core/index.ts'

/** What requests hold in memory, in bytes, all of them together and each by itself. */
export class BytesInFlight {
  readonly #max: number
  readonly #byRequest = new WeakMap<IncomingMessage, number>()
  #held = 0

  constructor(max: number) {
    this.#max = max
  }

  /** @throws OVERLOADED when they do not fit beside what other requests hold; alone a request always fits */
  hold(request: IncomingMessage, bytes: number): void {
    const own = this.#byRequest.get(request) ?? 0
    if (this.#held > own && this.#held + bytes > this.#max) {
      throw new PipelineError('OVERLOADED', `${this.#held} bytes of requests are under way`)
    }
    this.#held += bytes
    this.#byRequest.set(request, own + bytes)
  }

  release(request: IncomingMessage): void {
    this.#held -= this.#byRequest.get(request) ?? 0
    this.#byRequest.delete(request)
  }
}

/**
 * Read a body whole; a client that goes away before its end is an error, so nothing is done with a part. What is
 * refused is read on and dropped, up to `bytesMax`, for a client reads the answer only once it has sent its body.
 *
 * @param hold called before bytes are kept, with their number; may throw
 * @throws REQUEST_TOO_LARGE beyond `bytesMax`; what `hold` throws
 */
export async function readBody(
  message: IncomingMessage,
  bytesMax: number,
  hold: (bytes: number) => void,
): Promise<Buffer> {
  let parts: Buffer[] = []
  let bytes = 0
  let refusal: unknown
  if (Number(message.headers['content-length']) > bytesMax) refusal = tooLarge(bytesMax)
  for await (const part of chunks(message)) {
    bytes += part.length
    if (bytes > bytesMax) refusal ??= tooLarge(bytesMax)
    if (bytes > 2 * bytesMax) break
    if (refusal !== undefined) continue
    try {
      hold(part.length)
      parts.push(part)
    } catch (error) {
      refusal = error
      parts = []
    }
  }
  if (refusal !== undefined) throw refusal
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
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
