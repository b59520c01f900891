import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { PipelineError, Worker, type WorkerOptions } from '../../src/core/index.ts'

const retriable = () => new PipelineError('STORE_FULL', 'full')
const final = () => new PipelineError('LAKE_DAMAGED', 'damaged')

interface Told {
  error: unknown
  willRetry: boolean
}

/** A worker whose steps do in turn what the script says; without more to do it says that there is none. */
function workerOf(script: (boolean | Error)[], idleMs = 1e6, options: Partial<WorkerOptions> = {}) {
  const told: Told[] = []
  let steps = 0
  const worker = new Worker({
    step: async () => {
      steps++
      const next = script.shift() ?? false
      if (next instanceof Error) throw next
      return next
    },
    idleMs,
    onFailure: (error, willRetry) => told.push({ error, willRetry }),
    ...options,
  })
  onTestFinished(() => worker.end())
  return { worker, told, steps: () => steps }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1)
}

test('it takes no step before it is started, and one as soon as it is', async () => {
  const { worker, steps } = workerOf([])
  worker.wake()
  await sleep(5)
  expect([steps(), worker.state.name]).toEqual([0, 'idle'])
  worker.start()
  worker.start()
  await until(() => steps() === 1)
  expect(worker.state.name).toBe('idle')
})

test('it steps on while there may be more, then waits until it is woken', async () => {
  const { worker, steps } = workerOf([true, true, false])
  worker.start()
  await until(() => steps() === 3)
  await sleep(10)
  expect([steps(), worker.state.name]).toEqual([3, 'idle'])
  worker.wake()
  await until(() => steps() === 4)
})

test('it steps again by itself when nothing wakes it', async () => {
  const { worker, steps } = workerOf([], 5)
  worker.start()
  await until(() => steps() >= 3)
})

test('it is working during a step, and a wake meanwhile makes it take another', async () => {
  const gate = Promise.withResolvers<void>()
  let steps = 0
  const { worker } = workerOf([], 1e6, {
    step: async () => {
      if (++steps === 1) await gate.promise
      return false
    },
  })
  worker.start()
  await sleep(1)
  expect(worker.state.name).toBe('working')
  worker.wake()
  gate.resolve()
  await until(() => steps === 2)
})

test('after a retriable error it tries again until it succeeds, and tells of it once', async () => {
  const { worker, told, steps } = workerOf([retriable(), retriable(), true])
  worker.start()
  await until(() => told.length > 0)
  expect(worker.state).toMatchObject({ name: 'retrying', error: { code: 'STORE_FULL' } })
  await until(() => steps() === 4)
  expect(worker.state).toEqual({ name: 'idle' })
  expect(told).toMatchObject([{ willRetry: true, error: { code: 'STORE_FULL' } }])
})

test('after a success the next failure is told of again', async () => {
  const { worker, told, steps } = workerOf([retriable(), true, retriable(), false])
  worker.start()
  await until(() => steps() === 4)
  expect(told).toHaveLength(2)
})

test.each([final(), new Error('of another kind')])(
  'after any other error (%s) it stops for good',
  async (error) => {
    const { worker, told, steps } = workerOf([retriable(), error, true])
    worker.start()
    await until(() => worker.state.name === 'stopped')
    expect(worker.state).toEqual({ name: 'stopped', error })
    expect(told.at(-1)).toEqual({ error, willRetry: false })
    worker.wake()
    worker.start()
    await sleep(10)
    expect(steps()).toBe(2)
    await worker.end()
  },
)

test('to end is to finish the step that is being taken, and to take no more', async () => {
  const gate = Promise.withResolvers<void>()
  let finished = false
  let steps = 0
  const { worker } = workerOf([], 0, {
    step: async () => {
      steps++
      await gate.promise
      finished = true
      return true
    },
  })
  worker.start()
  await sleep(1)
  const ended = worker.end()
  await sleep(5)
  expect(finished).toBe(false)
  gate.resolve()
  await ended
  expect([finished, steps]).toEqual([true, 1])
})

test('to end cuts short a wait, be it idle or before another try, and comes before a start too', async () => {
  const { worker: idle, steps } = workerOf([])
  idle.start()
  await until(() => steps() === 1)
  await idle.end()

  const { worker: retrying, told } = workerOf(Array.from({ length: 100 }, retriable))
  retrying.start()
  await until(() => told.length === 1)
  await retrying.end()

  const { worker: never, steps: none } = workerOf([])
  await never.end()
  never.start()
  await never.end()
  expect(none()).toBe(0)
})
