export { checkLmdbFile, readFirstEntry } from './check-file.ts'
export { refuseWithoutDescriptors } from './descriptors.ts'
