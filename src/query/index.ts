export { type CatalogTable, catalogOf, newestVersions, type SeenTable } from './catalog.ts'
export { type Answer, answer, ask } from './query.ts'
