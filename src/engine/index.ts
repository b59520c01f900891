export { Engine, type EngineOptions, identifier, literal, type Row, type Session } from './duckdb.ts'
export { textOrBase64, withoutBytes } from './plain-value.ts'
