import type { Dataset } from './pipeline.ts'

/** Names of the members that a dataset's columns are read from, keys left out: what tells its records from others'. */
export function nonKeyMembers({ schema, key }: Pick<Dataset, 'schema' | 'key'>): string[] {
  const columns = Object.entries(schema).filter(([name]) => !key.includes(name))
  return columns.flatMap(([name, { from = [name] }]) => from)
}

/** The dataset of which a record has the most columns, keys left out. @param names of the record's members */
export function mostAlike(
  datasets: readonly Dataset[],
  names: ReadonlySet<string>,
): { dataset: Dataset; columns: number } | undefined {
  const counted = datasets.map((dataset) => ({
    dataset,
    columns: nonKeyMembers(dataset).filter((name) => names.has(name)).length,
  }))
  return counted.toSorted((a, b) => b.columns - a.columns)[0]
}
