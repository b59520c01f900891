import type { Config, PipelineError } from '../core/index.ts'
import { EmbeddedLog } from '../log/index.ts'
import type { Pipeline } from '../pipeline/index.ts'

export function openLog(
  folder: string,
  config: Config,
  onFatal: (error: PipelineError) => void,
): Promise<EmbeddedLog> {
  const { recordBytesMax, segmentBytes, freeBytesMin, retentionMs } = config.log
  const segmentAgeMs = Math.ceil(retentionMs / 7)
  return EmbeddedLog.open(folder, { recordBytesMax, segmentBytes, segmentAgeMs, freeBytesMin, onFatal })
}

/** Make the topics of a pipeline's datasets where they are missing. */
export async function makeTopics(log: EmbeddedLog, { datasets }: Pipeline): Promise<void> {
  const known = new Set(log.topics().map(({ name }) => name))
  for (const { name, partitioner } of datasets.flatMap(({ topics }) => topics)) {
    if (!known.has(name)) await log.createTopic(name, { partitions: 1, partitioner })
  }
}
