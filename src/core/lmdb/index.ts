export { checkLmdbFile, readFirstEntry } from './check-file.ts'
