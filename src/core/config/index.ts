export {
  type ConfigSources,
  type DescribedKey,
  describeConfig,
  type LoadedConfig,
  loadConfig,
} from './load.ts'
export { type Config, configKeys, secretKeys } from './schema.ts'
