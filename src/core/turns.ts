/** One at a time, first come first served. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Run an action once all before it have ended. */
  take<T>(action: () => Promise<T>): Promise<T> {
    const taken = this.#last.then(action)
    this.#last = taken.catch(() => undefined)
    return taken
  }
}
