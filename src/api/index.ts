export type {
  Context,
  OperationName,
  ParametersOf,
  ResultOf,
} from './operations.ts'
export { type Api, type ApiOptions, runOperation, serveApi } from './server.ts'
