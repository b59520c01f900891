import cliProgress from 'cli-progress'

/** Tells a person what is going on, while it goes on. */
export interface Progress {
  /** Begin a step; `total` where it is known how much there is to do. */
  step(name: string, total?: number): void
  /** How much of the step is done. */
  at(done: number): void
  end(): void
}

const lineEveryMs = 2_000

/** A bar on a terminal, a line now and then elsewhere. */
export function showProgress(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? new Bar(stream) : new Lines(stream)
}

class Bar implements Progress {
  readonly #stream: NodeJS.WriteStream
  #bar: cliProgress.SingleBar | undefined

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  step(name: string, total?: number): void {
    this.end()
    const format = total === undefined ? '{step} …' : '{step}  {bar}  {value} of {total}'
    this.#bar = new cliProgress.SingleBar(
      {
        stream: this.#stream,
        format,
        barsize: 30,
        clearOnComplete: true,
        hideCursor: true,
        // Signals are the commands' own.
        gracefulExit: false,
      },
      cliProgress.Presets.shades_classic,
    )
    this.#bar.start(total ?? 1, 0, { step: name })
  }

  at(done: number): void {
    this.#bar?.update(done)
  }

  end(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }
}

class Lines implements Progress {
  readonly #stream: NodeJS.WriteStream
  #step = ''
  #total: number | undefined
  #writtenMs = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  step(name: string, total?: number): void {
    this.#step = name
    this.#total = total
    this.#writtenMs = Date.now()
    this.#stream.write(`${name} …\n`)
  }

  at(done: number): void {
    if (Date.now() - this.#writtenMs < lineEveryMs) return
    this.#writtenMs = Date.now()
    this.#stream.write(`${this.#step}: ${done}${this.#total === undefined ? '' : ` of ${this.#total}`}\n`)
  }

  end(): void {
    this.#step = ''
  }
}
