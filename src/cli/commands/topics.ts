import type { Command } from 'commander'
import { PipelineError } from '../../core/index.ts'
import { call } from '../call.ts'
import { show } from '../render/show.ts'
import type { GlobalOptions } from '../settings.ts'

/** Commands that look at the log: topics, consume. */
export function addTopicCommands(program: Command): void {
  const topicCommands = program.command('topics').description('list the topics, or delete one')
  topicCommands
    .command('list', { isDefault: true })
    .description('list topics with their partitions and offsets')
    .action(async (options: GlobalOptions) => {
      const topics = await call(options, 'topics', {})
      show(options, topics, () =>
        topics.flatMap(({ name, partitioner, partitions }) =>
          partitions.map((partition) => ({ topic: name, partitioner, ...partition })),
        ),
      )
    })

  topicCommands
    .command('delete')
    .argument('<topic>')
    .description('delete a topic with its records in the log; lake and tables keep what has been taken of it')
    .option('--yes', 'really')
    .action(deleteTopic)

  program
    .command('consume')
    .argument('<topic>')
    .description(
      'print records of a topic as JSON lines: the newest ten of each partition, unless told otherwise',
    )
    .option('--from-beginning', 'from the first record that is there')
    .option('--follow', 'go on with what comes, until Ctrl-C')
    .action(consume)
}

async function deleteTopic(topic: string, options: GlobalOptions & { yes?: boolean }): Promise<void> {
  if (!options.yes)
    throw new PipelineError('USAGE', `this deletes the records of ${topic} from the log: say --yes to do it`)
  const done = await call(options, 'deleteTopic', { topic, confirm: topic }, { running: true })
  if (options.json) {
    console.log(JSON.stringify(done, null, 2))
    return
  }
  console.log(`Topic ${topic} is deleted; ${done.skipped} records that no take named yet are skipped.`)
  if (done.dataset !== undefined)
    console.log(
      `Dataset ${done.dataset} names it: the next start makes it again, or the first record through a Kafka door.`,
    )
}

async function consume(
  topic: string,
  options: GlobalOptions & { fromBeginning?: boolean; follow?: boolean },
): Promise<void> {
  const { fromBeginning = false, follow = false } = options
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const onItem = (record: unknown) => process.stdout.write(`${JSON.stringify(record)}\n`)
  await call(options, 'consume', { topic, fromBeginning, follow }, { onItem, signal: stop.signal })
  if (stop.signal.aborted) process.exitCode = 130
}
