import type { Dataset } from './pipeline.ts'

/** Names of the members that a dataset's columns are read from, keys left out: what tells its records from others'. */
export function nonKeyMembers({ schema, key }: Pick<Dataset, 'schema' | 'key'>): string[] {
  const columns = Object.entries(schema).filter(([name]) => !key.includes(name))
  return columns.flatMap(([name, { from = [name] }]) => from)
}
