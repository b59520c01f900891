export {
  type ConfigSources,
  type DescribedKey,
  describeConfig,
  type LoadedConfig,
  loadConfig,
} from './load.ts'
export { type MemoryShares, memoryShares } from './memory-shares.ts'
export { type Config, configKeys, secretKeys } from './schema.ts'
