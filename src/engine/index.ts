export { Engine, type EngineOptions, identifier, literal, type Row, type Session } from './duckdb.ts'
