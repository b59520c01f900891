import { PipelineError } from '../core/index.ts'
import { refuse } from './check.ts'
import type { DatasetDefinition } from './define.ts'
import type { Dataset } from './pipeline.ts'

/** Names of a dataset with `{id}` replaced. */
export type DatasetNames = Pick<Dataset, 'topics' | 'tables'>

/**
 * The names of every dataset for one id, each legal, none used twice. In table names `.` and `-` of the id become
 * `_`, so that they stay identifiers.
 *
 * @throws PIPELINE_INVALID, and CONFIG_INVALID for the id
 */
export function resolveNames(
  datasets: Readonly<Record<string, DatasetDefinition>>,
  id: string,
): ReadonlyMap<string, DatasetNames> {
  if (!/^[a-zA-Z0-9._-]{1,64}$/.test(id)) {
    throw new PipelineError(
      'CONFIG_INVALID',
      `id is ${JSON.stringify(id)}; it must be 1 to 64 of a-z A-Z 0-9 . _ -`,
    )
  }
  const topicOwners = new Map<string, string>()
  const tableOwners = new Map<string, string>()
  const resolved = new Map<string, DatasetNames>()
  for (const [dataset, { topics = [], streams = [], tables }] of Object.entries(datasets)) {
    const names: DatasetNames = {
      topics: [
        ...topics.map((name) => ({ name: topicName(name, id, dataset, 249), partitioner: 'kafka' as const })),
        ...streams.map((name) => ({
          name: topicName(name, id, dataset, 128),
          partitioner: 'kinesis' as const,
        })),
      ],
      tables: { stream: tableName(tables.stream, id, dataset), batch: tableName(tables.batch, id, dataset) },
    }
    for (const { name } of names.topics) claim(topicOwners, name, `topic or stream ${name}`, dataset)
    // SQL engines do not tell table names apart by case.
    for (const name of Object.values(names.tables))
      claim(tableOwners, name.toLowerCase(), `table ${name}`, dataset)
    resolved.set(dataset, names)
  }
  return resolved
}

function topicName(template: string, id: string, dataset: string, lengthMax: number): string {
  const name = template.replaceAll('{id}', id)
  if (!/^[a-zA-Z0-9._-]+$/.test(name) || name.length > lengthMax || name === '.' || name === '..') {
    refuse(
      `datasets.${dataset}: ${JSON.stringify(name)} must be 1 to ${lengthMax} of a-z A-Z 0-9 . _ -, and not . or ..`,
    )
  }
  return name
}

function tableName(template: string, id: string, dataset: string): string {
  // Judged apart from the id, which may begin with a digit.
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(template.replaceAll('{id}', 'id'))) {
    refuse(
      `datasets.${dataset}.tables: ${JSON.stringify(template)} must be a letter or _, then letters, digits, _`,
    )
  }
  return template.replaceAll('{id}', id.replaceAll(/[.-]/g, '_'))
}

function claim(owners: Map<string, string>, name: string, what: string, dataset: string): void {
  const owner = owners.get(name)
  if (owner !== undefined) refuse(`${what} is claimed twice: by datasets.${owner} and datasets.${dataset}`)
  owners.set(name, dataset)
}
