/** Wall-clock time in milliseconds since 1970; an argument wherever time matters, so that tests can set it. */
export type Clock = () => number

export const systemClock: Clock = () => Date.now()
