export { type CatalogTable, catalogOf, newestVersions, type SeenTable } from './catalog.ts'
export { type Answer, answer, ask, versionsOf } from './query.ts'
