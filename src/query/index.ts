export { type CatalogTable, catalogOf, newestVersions, type SeenTable } from './catalog.ts'
export { type Answer, answer, ask, type QueryOptions } from './query.ts'
